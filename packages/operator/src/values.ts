import { Failure } from './failure.ts'

/** Option values as people write them, turned into what the operations want. */

const seconds = { s: 1, m: 60, h: 3600, d: 24 * 3600 } as const

/** `90s`, `15m`, `24h`, `7d`, or plain seconds. */
export function parseSpan(option: string, text: string): number {
  const [, number, unit = 's'] = /^(\d{1,9})([smhd]?)$/.exec(text) ?? []
  if (number === undefined)
    throw new Failure('usage', `${option} takes a time such as 15m, 24h or 7d, not "${text}"`)
  return Number(number) * seconds[(unit || 's') as keyof typeof seconds]
}

/** A whole number within bounds. */
export function parseWhole(option: string, text: string, least: number, most: number): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new Failure(
    'usage',
    `${option} takes a whole number from ${least} to ${most}, not "${text}"`,
  )
}
