import { type AllowanceName, allowances } from '@heliograph/core/devices/device-budget'
import {
  MAX_RECIPIENTS,
  MAX_REGISTRATIONS,
  RECIPIENTS_PER_MESSAGE,
} from '@heliograph/protocol/limits'
import { type Upstream, upstreams } from '@heliograph/protocol/mqtt-topic'
import { MAX_RECEIVES } from '@heliograph/protocol/retry'
import type { StageProps } from '../../lib/stage.ts'
import { type Amounts, dollars, type PriceName } from './prices.ts'

/** What a day of an attack costs its victim at list price: the rate that the stage lets through, times one event. */
export interface Attack {
  readonly perSecond: number
  /** Priced units of one event. */
  readonly each: Amounts
  /** What is done for some of the events besides. */
  readonly besides?: readonly Omit<Attack, 'besides'>[]
}

/**
 * Messages a second that IoT Core takes from one connection ("AWS IoT Core message broker and protocol
 * limits and quotas": Inbound publish requests per second per connection); a device has one connection.
 */
const DEVICE_MESSAGES_PER_SECOND = 100

/** Bytes of the log line of an invocation (docs/cost.md). */
const logGigabyte = 350 / 1e9

const gigabyteSeconds = (megabytes: number, ms: number) => (megabytes / 1024) * (ms / 1000)

/** Every notification offline and new: accepted, stored, tried twice, and expired with feedback in the end. */
const lostNotification: Amounts = {
  httpApi: 1,
  lambdaRequest: 1.1,
  lambdaGigabyteSecond: gigabyteSeconds(1024, 15) + gigabyteSeconds(256, 40) / 10,
  sqs: 1.2,
  directMessage: 2,
  dynamoRead: 2,
  // payloads of 4 kB make a slot of five write units; the row and the mark of the feedback are one each
  dynamoWrite: 7,
  logGigabyte: 3 * logGigabyte,
}

/** The same in a request to many devices: nothing but its share of request, function and queue is less. */
const lostRecipient: Amounts = {
  ...lostNotification,
  httpApi: 1 / MAX_RECIPIENTS,
  lambdaRequest: 1 / RECIPIENTS_PER_MESSAGE,
  sqs: 1 / RECIPIENTS_PER_MESSAGE,
}

/**
 * A token that is garbage or dead, in a request to many devices: it is opened with every key, or its registration is
 * read, and nothing is queued. With three token keys a request to a thousand takes up to half a second.
 */
const badRecipient: Amounts = {
  httpApi: 1 / MAX_RECIPIENTS,
  lambdaRequest: 1 / MAX_RECIPIENTS,
  lambdaGigabyteSecond: gigabyteSeconds(1024, 0.5),
  dynamoRead: 1,
  logGigabyte: logGigabyte / MAX_RECIPIENTS,
}

/**
 * A message beyond the device's allowance: rule, function, no more. Rules are metered by 5 kB, and a
 * connection takes 512 kB a second: messages of a little more than 5 kB are the dearest, two units each.
 */
const droppedRequest: Amounts = {
  ruleTriggered: 2,
  ruleAction: 2,
  lambdaRequest: 1,
  lambdaGigabyteSecond: gigabyteSeconds(512, 2),
}

/**
 * What a request within the allowance costs besides, at its dearest. The record of a device with three
 * certificates takes two read units. Whatever it asks for, its certificate is looked at, it is answered, and there
 * is a log line.
 */
const request = (ms: number, more: Amounts = {}): Amounts => ({
  lambdaGigabyteSecond: gigabyteSeconds(512, ms),
  directMessage: 1,
  logGigabyte,
  ...more,
  dynamoRead: 2 + (more.dynamoRead ?? 0),
})

const SLOT_READ_UNITS = 2

const allowed: Readonly<Record<AllowanceName, Amounts>> = {
  // who may send to the topic, what the device has, the keys
  register: request(30, { dynamoRead: 4, dynamoWrite: 1 }),
  // a hundred registrations, and a hundred slots of 5 kB each in one query
  connect: request(80, { dynamoRead: 5 + (MAX_REGISTRATIONS * 5) / 4 }),
  /**
   * In turns with register: the row changes, and each of two keys has a token in the feedback, which takes a look,
   * a row and a mark.
   */
  unregister: request(40, { dynamoRead: 2 + SLOT_READ_UNITS + 2, dynamoWrite: 5 }),
  // refused: a certificate is issued once an hour
  renew: request(60, { dynamoRead: 2 }),
  malformed: request(5),
  // sent to the queue, and handed out until it gives it up; each time the slot and the registration are read
  slot: {
    sqs: 1 + MAX_RECEIVES * 1.1,
    lambdaRequest: MAX_RECEIVES / 10,
    lambdaGigabyteSecond: (MAX_RECEIVES * gigabyteSeconds(256, 20)) / 10,
    dynamoRead: MAX_RECEIVES * (SLOT_READ_UNITS + 1),
    // a silent device is tried less and less often
    directMessage: 1,
    logGigabyte: (MAX_RECEIVES * logGigabyte) / 10,
  },
}

/** Something that is not a request at all uses up its allowance in each of the four functions. */
function environmentsOf(kind: AllowanceName, { upstreamConcurrency }: StageProps): number {
  const of = (upstream: Upstream) => upstreamConcurrency[upstream] ?? UNRESERVED
  if (kind === 'slot') return of('connect')
  if (kind === 'malformed') return upstreams.reduce((sum, upstream) => sum + of(upstream), 0)
  return of(kind)
}

/** Execution environments of a function whose concurrency a stage does not reserve, for one device's messages. */
const UNRESERVED = 10

/** All that one device may ask for in a loop, of every kind at once. */
function requestsWithin(stage: StageProps): Omit<Attack, 'besides'>[] {
  return (Object.keys(allowed) as AllowanceName[]).map((kind) => ({
    // the allowance counts in each execution environment
    perSecond: allowances[kind].perSecond * environmentsOf(kind, stage),
    each: allowed[kind],
  }))
}

/** A request without a good code: the edge, the function, one look for the code. */
const activation: Amounts = {
  httpApi: 1,
  lambdaRequest: 1,
  lambdaGigabyteSecond: gigabyteSeconds(512, 15),
  dynamoRead: 1,
  logGigabyte,
}

/** A request at the token domain without a good token, under a key id that nobody has: a look-up and a log line. */
const garbageToken: Amounts = {
  httpApi: 1,
  lambdaRequest: 1,
  lambdaGigabyteSecond: gigabyteSeconds(1024, 5),
  dynamoRead: 1,
  logGigabyte,
}

export type Attacker = 'provider' | 'recipients' | 'device' | 'anonymous' | 'garbage'

export function attacksOn(stage: StageProps): Readonly<Record<Attacker, Attack>> {
  return {
    provider: {
      perSecond: stage.providerThrottle.ratePerSecond,
      each: lostNotification,
      besides: [
        {
          perSecond: stage.multicastThrottle.ratePerSecond * MAX_RECIPIENTS,
          each: lostRecipient,
        },
      ],
    },
    recipients: {
      perSecond: stage.multicastThrottle.ratePerSecond * MAX_RECIPIENTS,
      each: badRecipient,
    },
    garbage: { perSecond: stage.tokenThrottle.ratePerSecond, each: garbageToken },
    device: {
      perSecond: DEVICE_MESSAGES_PER_SECOND,
      each: droppedRequest,
      besides: requestsWithin(stage),
    },
    anonymous: { perSecond: stage.activationThrottle.ratePerSecond, each: activation },
  }
}

const DAY_SECONDS = 24 * 3600

/** Dollars a day. */
export function costOfDay({ perSecond, each, besides = [] }: Attack): number {
  const entries = Object.entries(each) as [PriceName, number][]
  const one = entries.reduce((sum, [name, amount]) => sum + dollars(name, amount), 0)
  return besides.reduce((sum, other) => sum + costOfDay(other), one * perSecond * DAY_SECONDS)
}
