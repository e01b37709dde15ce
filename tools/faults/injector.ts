import type {
  BeforeService,
  Fault,
  ServiceCall,
} from '../../packages/embedded-cloud/src/endpoint.ts'
import type { Random } from '../simulate/random.ts'

/** The AWS services that the functions call, by their SigV4 names. */
export const services = ['dynamodb', 'sqs', 'sns', 'kms', 'iotdata'] as const
export type ServiceName = (typeof services)[number]

/**
 * `slow`: does the work, but after the caller has given up. `throttle` and `fail`: refuses with the
 * service's own error. `lose`: does the work and cuts the connection instead of answering.
 */
export const afflictions = ['slow', 'throttle', 'fail', 'lose'] as const
export type Affliction = (typeof afflictions)[number]

export interface Rule {
  readonly service: ServiceName
  readonly affliction: Affliction
  /** Of the calls, 0 to 1. */
  readonly share: number
  /** Only calls about the queue or table with this in its name. */
  readonly of?: string
}

/**
 * Afflicts the calls of functions, never those of the operator, by the rules of the moment. What has
 * been put into the queue is noted only once the queue was asked to take it, so that a 200 which was
 * answered without that shows.
 */
export class Injector {
  readonly #random: Random
  /** Done by rule name, `sqs lose`. */
  readonly counts = new Map<string, number>()
  /** Unique ids of the notifications that reached the queue, answered or not. */
  readonly queued = new Set<string>()
  calls = 0
  #rules: readonly Rule[] = []

  constructor(random: Random) {
    this.#random = random
  }

  apply(rules: readonly Rule[]): void {
    this.#rules = rules
  }

  readonly beforeService: BeforeService = (call) => {
    if (call.request.caller.name === 'operator') return undefined
    this.calls += 1
    const rule = this.#rules.find(
      ({ service, share, of = '' }) =>
        service === call.service && isAbout(call, of) && this.#random.chance(share),
    )
    const fault = rule && this.#faultOf(rule)
    if (rule) this.#count(rule)
    if (isNotification(call) && (!fault || fault.outcome === 'pass' || fault.outcome === 'lose'))
      this.#noteQueued(call, fault?.delayMs ?? 0)
    return fault
  }

  #count({ service, affliction }: Rule): void {
    const name = `${service} ${affliction}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }

  #faultOf({ service, affliction }: Rule): Fault {
    switch (affliction) {
      case 'slow':
        return { outcome: 'pass', delayMs: this.#delayMs(service) }
      case 'throttle':
        return { outcome: 'answer', ...throttled[service], message: 'Rate exceeded' }
      case 'fail':
        return { outcome: 'answer', ...failed[service], message: 'The service failed.' }
      case 'lose':
        return { outcome: 'lose' }
    }
  }

  #delayMs(service: ServiceName): number {
    const [least, most] = slowness[service]
    return this.#random.between(least, most)
  }

  #noteQueued({ request }: ServiceCall, delayMs: number): void {
    const body = String((JSON.parse(request.body.toString('utf8')) as Json).MessageBody)
    const { uniqueId } = JSON.parse(body.slice(body.indexOf('{'))) as Json
    setTimeout(() => this.queued.add(String(uniqueId)), delayMs)
  }
}

type Json = Readonly<Record<string, unknown>>

/** As the stacks name the queue and the table of receipts, and the queue of events. */
export const OUTCOMES = 'OutcomesQueue'
export const ANNOUNCEMENTS = 'AnnouncementsQueue'
export const RECEIPTS = 'StoresReceipts'

function isAbout({ request }: ServiceCall, name: string): boolean {
  return name === '' || request.body.includes(name)
}

function isNotification(call: ServiceCall): boolean {
  const isAfterward = [OUTCOMES, ANNOUNCEMENTS].some((queue) => isAbout(call, queue))
  return call.service === 'sqs' && call.action === 'SendMessage' && !isAfterward
}

/** Milliseconds from, to: from within to beyond the SDK clients' time-outs of 2 s and 8 s. */
const slowness = {
  dynamodb: [500, 5_000],
  sqs: [500, 5_000],
  sns: [500, 5_000],
  kms: [500, 5_000],
  iotdata: [1_000, 10_000],
} as const satisfies Record<ServiceName, readonly [number, number]>

const throttled = {
  dynamodb: { status: 400, code: 'ProvisionedThroughputExceededException' },
  sqs: { status: 403, code: 'RequestThrottled' },
  sns: { status: 429, code: 'Throttled' },
  kms: { status: 400, code: 'ThrottlingException' },
  iotdata: { status: 429, code: 'ThrottlingException' },
} as const

const failed = {
  dynamodb: { status: 500, code: 'InternalServerError' },
  sqs: { status: 500, code: 'InternalFailure' },
  sns: { status: 500, code: 'InternalError' },
  kms: { status: 500, code: 'KMSInternalException' },
  iotdata: { status: 500, code: 'InternalFailureException' },
} as const
