import { randomUUID } from 'node:crypto'
import { messageOf } from './cloud-start-error.ts'
import type { CloudIdentity, Log } from './types.ts'

/** A rule that calls functions at a rate. */
export interface Schedule {
  readonly ruleArn: string
  readonly everyMinutes: number
  readonly targets: readonly ScheduledTarget[]
}

export interface ScheduledTarget {
  readonly functionArn: string
  /** JSON in place of EventBridge's event. */
  readonly input?: string
}

export interface SchedulesOptions {
  readonly identity: CloudIdentity
  readonly log: Log
  /** How long a minute is, in milliseconds; 0: nothing runs. */
  readonly minuteMs: number
  /** Queues an asynchronous event, JSON. */
  invokeLater(functionArn: string, payload: string): void
}

const minutesOf = { minute: 1, hour: 60, day: 24 * 60 } as const

/** The minutes of `rate(…)`; undefined for anything else. Source: EventBridge, "Setting a schedule pattern". */
export function minutesOfRate(expression: string): number | undefined {
  const [, value, unit = ''] = /^rate\(([1-9]\d*) (minute|hour|day)s?\)$/.exec(expression) ?? []
  if (value === undefined || !Object.hasOwn(minutesOf, unit)) return undefined
  return Number(value) * minutesOf[unit as keyof typeof minutesOf]
}

/**
 * EventBridge's rules with a rate. They are counted by the minute, together: the longest timer of Node.js is
 * 25 days. What came due while the cloud was down is not made up for.
 */
export class Schedules {
  readonly #options: SchedulesOptions
  readonly #schedules = new Map<string, Schedule & { readonly since: number }>()
  #minute = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: SchedulesOptions) {
    this.#options = options
  }

  add(schedule: Schedule): void {
    this.#schedules.set(schedule.ruleArn, { ...schedule, since: this.#minute })
  }

  remove(ruleArn: string): void {
    this.#schedules.delete(ruleArn)
  }

  /** From now on the minutes count; a rule runs for the first time when its period has passed. */
  start(): void {
    const { minuteMs } = this.#options
    if (minuteMs === 0 || this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#tick(), minuteMs)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    this.#minute += 1
    for (const schedule of this.#schedules.values())
      if ((this.#minute - schedule.since) % schedule.everyMinutes === 0) this.#run(schedule)
  }

  #run({ ruleArn, targets }: Schedule): void {
    for (const { functionArn, input } of targets)
      try {
        this.#options.invokeLater(functionArn, input ?? JSON.stringify(this.#event(ruleArn)))
      } catch (error) {
        this.#options.log(
          'schedules',
          `${ruleArn} could not call ${functionArn}: ${messageOf(error)}`,
        )
      }
  }

  /** As EventBridge documents it: "Scheduled Event". */
  #event(ruleArn: string) {
    const { accountId: account, region } = this.#options.identity
    return {
      ...{ version: '0', id: randomUUID(), 'detail-type': 'Scheduled Event' },
      ...{ source: 'aws.events', account, region, resources: [ruleArn], detail: {} },
      time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    }
  }
}
