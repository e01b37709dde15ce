import { RECIPIENTS_AT_ONCE } from '@heliograph/protocol/retry'
import type { Counted } from './counted.ts'
import { type Amounts, dollars, type PriceName } from './prices.ts'

/**
 * What the embedded cloud cannot tell: how long calls take on AWS. Milliseconds, general knowledge of
 * calls within a region; a device on a mobile network acknowledges in about 100 ms.
 */
export const assumed = {
  sendMessageMs: 7,
  publishMs: 20,
  readMs: 3,
  writeMs: 5,
  directMessageMs: 100,
  /** The slowest acknowledgement of a batch that is worked concurrently. */
  slowestOfBatchMs: 200,
  refusedDirectMessageMs: 15,
} as const

/** Memory that makes a function's share of the processor one whole core (AWS: "Configure memory"). */
const WHOLE_CORE_MEGABYTES = 1_769

export interface FunctionFacts {
  readonly memoryMegabytes: number
  /** Processor time of one invocation on a whole core, milliseconds. */
  readonly cpuMs: number
}

export interface Facts {
  readonly accept: FunctionFacts
  /** `cpuMs` for one notification of a batch. */
  readonly deliver: FunctionFacts
  readonly connect: FunctionFacts
  readonly record: FunctionFacts
  /** `cpuMs` for one publish of up to ten events. */
  readonly announce: FunctionFacts
  /** Bytes that leave for the internet with one notification: to the device, and the answer. */
  readonly bytesOut: number
}

/** Which of a scenario's figures are the same in every notification, and which come with a batch. */
export function amountsOf(counted: Counted, facts: Facts): Amounts {
  const per = (count: number) => count / counted.events
  const calls = (ending: string) => sum(counted.calls, (name) => name.endsWith(ending))
  const { invocations } = counted
  const delivers = invocations.deliver ?? 0
  const ruled = sum(invocations, (name) => ['connect', 'register', 'unregister'].includes(name))
  return {
    httpApi: per(counted.requests),
    lambdaRequest: per(sum(invocations, () => true)),
    lambdaGigabyteSecond: per(gigabyteSeconds(counted, facts)),
    // each batch is received once, in as many units as it was sent, and deleted with one call
    sqs: per(
      calls('ChangeMessageVisibility') +
        counted.queueUnits +
        (counted.queueUnits - calls('SendMessage') - calls('SendMessageBatch')) +
        2 * delivers +
        // received and deleted by ten
        1.2 * calls('SendOutcomes') +
        // received and deleted as they come
        calls('SendEvents') +
        2 * (invocations.announce ?? 0),
    ),
    sns: per(calls('PublishBatch')),
    directMessage: per(calls('SendDirectMessage')),
    iotMessage: per(ruled > 0 && counted.requests === 0 ? ruled : 0),
    ruleTriggered: per(ruled),
    ruleAction: per(ruled),
    dynamoRead: per(counted.readUnits),
    dynamoWrite: per(counted.writeUnits),
    logGigabyte: per(counted.logBytes) / 1e9,
    transferGigabyte: facts.bytesOut / 1e9,
  }
}

function gigabyteSeconds(counted: Counted, facts: Facts): number {
  const { invocations } = counted
  const accept = acceptMs(counted) * (invocations.accept ?? 0)
  const deliver = deliverMs(counted) * (invocations.deliver ?? 0)
  const connect = 4 * assumed.readMs + assumed.directMessageMs
  return (
    // a recipient of many takes no more than a whole request for one
    billed(accept, facts.accept, invocations.accept ? counted.events : 0) +
    billed(deliver, facts.deliver, counted.events) +
    billed(recordMs(counted), facts.record, invocations.record ?? 0) +
    billed(announceMs(counted), facts.announce, counted.calls['announce sns PublishBatch'] ?? 0) +
    billed(connect * (invocations.connect ?? 0), facts.connect, invocations.connect ?? 0)
  )
}

/** Rows are written fifty at a time; deliver waits for its outcomes to be taken. */
function recordMs({ calls, invocations }: Counted): number {
  const records = invocations.record ?? 0
  const puts = calls['record dynamodb PutItem'] ?? 0
  return records * assumed.writeMs + (puts / 50) * assumed.writeMs
}

/** Batches of ten are published ten at a time. */
function announceMs({ invocations }: Counted): number {
  return (invocations.announce ?? 0) * assumed.publishMs
}

function acceptMs({ calls, invocations }: Counted): number {
  const reads = sum(calls, (name) => name.startsWith('accept dynamodb')) * assumed.readMs
  const sends =
    sum(calls, (name) => name.startsWith('accept sqs SendMessage')) * assumed.sendMessageMs
  return (reads + sends) / Math.max(1, invocations.accept ?? 0)
}

/** A batch waits for its slowest; what is for an offline device is refused at once, stored and tried again. */
function deliverMs({ calls, invocations, events }: Counted): number {
  const puts = calls['deliver dynamodb PutItem'] ?? 0
  const direct = calls['deliver iotdata SendDirectMessage'] ?? 0
  const offline = direct > events
  const batch = events / Math.max(1, invocations.deliver ?? 0)
  const rounds = Math.ceil(batch / RECIPIENTS_AT_ONCE)
  const online = batch > 1 ? rounds * assumed.slowestOfBatchMs : assumed.directMessageMs
  const wait = offline ? 2 * assumed.refusedDirectMessageMs + assumed.readMs : online
  // receipts and events are handed on at the same time
  const isHandedOn = ['SendOutcomes', 'SendEvents'].some((name) => calls[`deliver sqs ${name}`])
  const outcomes = isHandedOn ? assumed.sendMessageMs : 0
  return wait + (puts > 0 ? assumed.writeMs : 0) + outcomes
}

/** GB-seconds of waiting, and of computing at the share of a core that the memory buys. */
function billed(waitMs: number, { memoryMegabytes, cpuMs }: FunctionFacts, runs: number): number {
  const computeMs = cpuMs * runs * Math.max(1, WHOLE_CORE_MEGABYTES / memoryMegabytes)
  return ((waitMs + computeMs) / 1000) * (memoryMegabytes / 1024)
}

/** Dollars for so many seconds of processor time: a smaller function takes longer, at less per second. */
export function computeDollars(cpuSeconds: number): number {
  return dollars('lambdaGigabyteSecond', cpuSeconds * (WHOLE_CORE_MEGABYTES / 1024))
}

function sum(record: Readonly<Record<string, number>>, matches: (name: string) => boolean): number {
  return Object.entries(record)
    .filter(([name]) => matches(name))
    .reduce((total, [, count]) => total + count, 0)
}

/** Dollars for a million events, by priced unit. */
export function perMillion(amounts: Amounts): Partial<Record<PriceName, number>> {
  const entries = Object.entries(amounts) as [PriceName, number][]
  return Object.fromEntries(
    entries
      .map(([name, amount]) => [name, dollars(name, amount * 1e6)] as const)
      .filter(([, usd]) => usd > 0),
  )
}

export function total(costs: Partial<Record<PriceName, number>>): number {
  return Object.values(costs).reduce((sum, usd) => sum + usd, 0)
}

/** Minutes of a month of 730 hours. */
const MONTH_MINUTES = 43_800

/** What a device costs that is always online and reconnects so many times a month. */
export function deviceMonth(connectPerMillion: number, connects: number): number {
  return dollars('iotMinute', MONTH_MINUTES) + (connectPerMillion / 1e6) * connects
}

/**
 * What a month costs without a single notification: Lambda's five pollers of the queue, each with a
 * long poll of 20 s (AWS Lambda developer guide, "Using Lambda with Amazon SQS").
 */
export function idleMonth(): number {
  return dollars('sqs', (5 * MONTH_MINUTES * 60) / 20)
}
