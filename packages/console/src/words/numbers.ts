const whole = new Intl.NumberFormat('en-US')
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** `12,345` */
export function count(value: number): string {
  return whole.format(value)
}

/** `12,345` up to 99,999, then `1.2M`. */
export function figure(value: number): string {
  return value < 100_000 ? whole.format(value) : short.format(value)
}

/** `1 device`, `2 devices` */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** A share of a whole: `0 %`, `< 1 %`, `12 %`. */
export function percent(part: number, all: number): string {
  if (all === 0 || part === 0) return '0 %'
  const share = (part / all) * 100
  return share < 1 ? '< 1 %' : `${Math.round(share)} %`
}
