import { createHash } from 'node:crypto'
import type { AttributeMap } from './dynalite.ts'
import type { StreamSettings } from './table-settings.ts'

export type { AttributeMap } from './dynalite.ts'

/** One record as a Lambda event's `Records[]` carries it. */
export interface StreamRecord {
  readonly eventID: string
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE'
  readonly eventVersion: '1.1'
  readonly eventSource: 'aws:dynamodb'
  readonly awsRegion: string
  readonly eventSourceARN: string
  readonly dynamodb: {
    /** Seconds since 1970. */
    readonly ApproximateCreationDateTime: number
    readonly Keys: AttributeMap
    readonly NewImage?: AttributeMap
    readonly OldImage?: AttributeMap
    readonly SequenceNumber: string
    readonly SizeBytes: number
    readonly StreamViewType: string
  }
  /** Present when the time-to-live sweep removed the item. */
  readonly userIdentity?: UserIdentity
}

export interface UserIdentity {
  readonly type: 'Service'
  readonly principalId: 'dynamodb.amazonaws.com'
}

/** Resolves when the records are dealt with (they are then forgotten); rejects to get them again. */
export type StreamListener = (records: readonly StreamRecord[]) => Promise<void>

export interface StreamConsumer {
  /** Stable over restarts (an event source mapping's logical id); its position is kept on disk. */
  readonly name: string
  /** At most this many records at once; default 100. */
  readonly batchSize?: number
  /** Where a consumer that was never seen before begins; default TRIM_HORIZON. */
  readonly startingPosition?: 'TRIM_HORIZON' | 'LATEST'
}

/** One change of an item, as the journal keeps it until every consumer has it. */
export interface Change {
  readonly eventName: StreamRecord['eventName']
  readonly keys: AttributeMap
  readonly before?: AttributeMap
  readonly after?: AttributeMap
  /** Milliseconds since 1970. */
  readonly at: number
  readonly userIdentity?: UserIdentity
}

/**
 * The change that a write makes, with the images the stream asks for; undefined when it changes
 * nothing, for which DynamoDB writes no record either.
 */
export function changeOf(
  before: AttributeMap | undefined,
  after: AttributeMap | undefined,
  keyNames: readonly string[],
  viewType: string,
  at: number,
  userIdentity?: UserIdentity,
): Change | undefined {
  const some = after ?? before
  if (some === undefined || equal(before, after)) return undefined
  return {
    eventName: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
    keys: pick(some, keyNames),
    ...(before !== undefined && wantsOld(viewType) ? { before } : {}),
    ...(after !== undefined && wantsNew(viewType) ? { after } : {}),
    at,
    ...(userIdentity === undefined ? {} : { userIdentity }),
  }
}

/** As util.isDeepStrictEqual for JSON, which would count dynalite's objects without prototype as different. */
function equal(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false
  const names = Object.keys(one)
  if (names.length !== Object.keys(other).length) return false
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>]
  return names.every((name) => name in right && equal(left[name], right[name]))
}

function wantsOld(viewType: string): boolean {
  return viewType === 'OLD_IMAGE' || viewType === 'NEW_AND_OLD_IMAGES'
}

function wantsNew(viewType: string): boolean {
  return viewType === 'NEW_IMAGE' || viewType === 'NEW_AND_OLD_IMAGES'
}

/** The key attributes of an item. */
export function pick(item: AttributeMap, names: readonly string[]): AttributeMap {
  const picked: Record<string, Readonly<Record<string, unknown>>> = {}
  for (const name of names) {
    const value = item[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}

/** A journal entry in the form that Lambda hands to a function. */
export function streamRecord(
  change: Change,
  sequence: number,
  streamArn: string,
  { viewType }: StreamSettings,
): StreamRecord {
  const sequenceNumber = sequenceNumberOf(sequence)
  const images = {
    Keys: change.keys,
    ...(change.after === undefined ? {} : { NewImage: change.after }),
    ...(change.before === undefined ? {} : { OldImage: change.before }),
  }
  return {
    // The same for every delivery of a record, so that a function can tell a repeat.
    eventID: createHash('md5').update(`${streamArn}/${sequenceNumber}`).digest('hex'),
    eventName: change.eventName,
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: streamArn.split(':')[3] ?? '',
    eventSourceARN: streamArn,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(change.at / 1000),
      ...images,
      SequenceNumber: sequenceNumber,
      SizeBytes: Buffer.byteLength(JSON.stringify(images)),
      StreamViewType: viewType,
    },
    ...(change.userIdentity === undefined ? {} : { userIdentity: change.userIdentity }),
  }
}

/** Twenty-one digits, as long as DynamoDB's own and in the order of the changes as text. */
function sequenceNumberOf(sequence: number): string {
  return `1${String(sequence).padStart(20, '0')}`
}
