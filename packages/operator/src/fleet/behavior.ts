import { Failure } from '../failure.ts'

/** How a simulated device behaves; docs/cli.md describes each. */
export const behaviors = ['steady', 'flaky', 'silent', 'slow', 'offline-at-night'] as const

export type Behavior = (typeof behaviors)[number]

/** Behaviors with their shares: whole percents that add up to 100. */
export type Mix = readonly (readonly [Behavior, number])[]

/** `flaky`, or `steady=80%,flaky=20%`. */
export function parseMix(text: string): Mix {
  if (isBehavior(text)) return [[text, 100]]
  const mix = text.split(',').map((part) => parseShare(part, text))
  const names = new Set(mix.map(([name]) => name))
  const total = mix.reduce((all, [, share]) => all + share, 0)
  if (names.size < mix.length) throw notAMix(text, 'it names a behavior twice')
  if (total !== 100) throw notAMix(text, `its shares add up to ${total}%`)
  return mix
}

function isBehavior(text: string): text is Behavior {
  return (behaviors as readonly string[]).includes(text)
}

function parseShare(part: string, whole: string): readonly [Behavior, number] {
  const [, name = '', share] = /^([a-z-]+)=([1-9]\d?|100)%$/.exec(part.trim()) ?? []
  if (!isBehavior(name)) throw notAMix(whole, `"${part}" is not one of them with its share`)
  return [name, Number(share)]
}

function notAMix(text: string, why: string): Failure {
  const known = behaviors.join(', ')
  return new Failure(
    'usage',
    `--behaviors takes one of ${known}, or shares such as steady=80%,flaky=20%; not "${text}": ${why}`,
  )
}

/**
 * The behavior of each device, in their order. A larger fleet begins as a smaller one does, so that a device
 * behaves the same however many there are.
 */
export function dealBehaviors(mix: Mix, count: number): Behavior[] {
  const given = mix.map(() => 0)
  return Array.from({ length: count }, (_, at) => {
    const lacks = mix.map(([, share], one) => share * (at + 1) - 100 * (given[one] ?? 0))
    const next = lacks.indexOf(Math.max(...lacks))
    given[next] = (given[next] ?? 0) + 1
    return mix[next]?.[0] ?? 'steady'
  })
}

/** Within the time that a service waits for an acknowledgement, and beyond it; milliseconds. */
const SLOW_MS = { least: 2_000, most: 8_000 }

/** How long the device takes to take a notification over, in milliseconds; infinite = it never does. */
export function handlingMs(behavior: Behavior, random: () => number): number {
  if (behavior === 'silent') return Number.POSITIVE_INFINITY
  return behavior === 'slow' ? between(SLOW_MS, random) : 0
}

/** How long a flaky device stays; milliseconds. */
const FLAKY_MS = {
  online: { least: 10_000, most: 60_000 },
  offline: { least: 1_000, most: 20_000 },
}

/** The part of a day at which the night begins, and the part within which all go or come. */
const DUSK = 2 / 3
const HURRY = 1 / 20

export interface Moment {
  readonly isOnline: boolean
  /** Since the morning of the fleet's first day; milliseconds. */
  readonly sinceMs: number
  /** How long a day lasts; milliseconds. */
  readonly dayMs: number
}

/** In how many milliseconds the device connects or disconnects by itself; undefined = it stays as it is. */
export function changesInMs(
  behavior: Behavior,
  moment: Moment,
  random: () => number,
): number | undefined {
  if (behavior === 'flaky') return between(FLAKY_MS[moment.isOnline ? 'online' : 'offline'], random)
  return behavior === 'offline-at-night' ? untilTwilight(moment, random) : undefined
}

/** All devices go and come within a short time, as people do. */
function untilTwilight({ isOnline, sinceMs, dayMs }: Moment, random: () => number): number {
  const time = sinceMs % dayMs
  const dusk = DUSK * dayMs
  const isNight = time >= dusk
  const end = isOnline ? dusk : dayMs
  const wait = isOnline === isNight ? 0 : end - time
  return Math.round(wait + random() * HURRY * dayMs)
}

function between(
  { least, most }: { readonly least: number; readonly most: number },
  random: () => number,
): number {
  return Math.round(least + random() * (most - least))
}
