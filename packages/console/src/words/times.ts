const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1_000 },
] as const

/** How long something took, in its two largest units: `340 ms`, `1.2 s`, `3 min 20 s`, `2 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 0) return `−${duration(-ms)}`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${Math.round(ms / 100) / 10} s`
  const first = UNITS.findIndex((unit) => ms >= unit.ms)
  const large = UNITS[first]
  const small = UNITS[first + 1]
  if (!large) return `${Math.round(ms)} ms`
  const head = Math.floor(ms / large.ms)
  const rest = small ? Math.floor((ms - head * large.ms) / small.ms) : 0
  return small && rest > 0 ? `${head} ${large.name} ${rest} ${small.name}` : `${head} ${large.name}`
}

/** `2026-11-26 12:30:05.123`, of a clock that is so many minutes ahead of UTC. */
export function clockText(at: number, offsetMinutes: number): string {
  const shifted = new Date(at + offsetMinutes * 60_000)
  return Number.isNaN(shifted.getTime())
    ? 'no valid time'
    : shifted.toISOString().replace('T', ' ').slice(0, -1)
}

/** `UTC+1`, `UTC−3:30`, `UTC` */
export function zoneText(offsetMinutes: number): string {
  if (offsetMinutes === 0) return 'UTC'
  const size = Math.abs(offsetMinutes)
  const rest = size % 60
  const minutes = rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`
  return `UTC${offsetMinutes < 0 ? '−' : '+'}${Math.floor(size / 60)}${minutes}`
}

/** How far ahead of UTC the reader's clock was or will be then. */
export function offsetAt(at: number): number {
  const offset = -new Date(at).getTimezoneOffset()
  return Number.isNaN(offset) ? 0 : offset
}

/** `now`, `3 min ago`, `in 2 d` */
export function distance(at: number, now: number): string {
  const away = Math.abs(at - now)
  if (away < 5_000) return 'now'
  const unit = UNITS.find(({ ms }) => away >= ms)
  const text = unit ? `${Math.floor(away / unit.ms)} ${unit.name}` : 'a moment'
  return at > now ? `in ${text}` : `${text} ago`
}
