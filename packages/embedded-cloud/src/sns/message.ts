import { randomUUID } from 'node:crypto'
import type { Json, JsonObject } from '../assembly/json.ts'
import { snsError } from './error.ts'

export interface MessageAttribute {
  /** `String`, `String.Array`, `Number` or `Binary`. */
  readonly type: string
  /** Base64 for `Binary`. */
  readonly value: string
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>

/** What is published; `subject` if there is one. */
export interface Content {
  readonly message: string
  readonly subject?: string
  readonly attributes: MessageAttributes
}

/** A published message as it waits for its subscribers. */
export interface Message extends Content {
  readonly messageId: string
  readonly topicArn: string
  /** ISO 8601, UTC. */
  readonly timestamp: string
}

/** sns:API_Publish: bytes of a message, and of all of a batch. */
export const maxBytes = 262_144

/** What counts toward the limit: the message, and name, type and value of each attribute. */
export function sizeOf({ message, attributes }: Content): number {
  const texts = Object.entries(attributes).flatMap(([name, { type, value }]) => [name, type, value])
  return [message, ...texts].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

/** @throws {AwsError} for what SNS does not take. */
export function makeMessage(topicArn: string, content: Content): Message {
  if (content.message === '') throw snsError('InvalidParameter', 'Empty message')
  if (sizeOf(content) > maxBytes) throw snsError('InvalidParameter', 'Message too long')
  for (const [name, attribute] of Object.entries(content.attributes)) check(name, attribute)
  const timestamp = new Date().toISOString()
  return { ...content, messageId: randomUUID(), topicArn, timestamp }
}

/** "Amazon SNS message attributes": the types, and that a value is of its type. */
function check(name: string, { type, value }: MessageAttribute): void {
  const kind = /^(String\.Array|String|Number|Binary)(\..+)?$/.exec(type)?.[1]
  if (kind === undefined || value === '')
    throw snsError('ParameterValueInvalid', `The message attribute '${name}' is not of a type.`)
  if (kind === 'Number' && !Number.isFinite(Number(value)))
    throw snsError('ParameterValueInvalid', `The message attribute '${name}' is not a number.`)
}

/** The attributes as filter policies see them: bytes are not looked at. */
export function filterable(attributes: MessageAttributes): JsonObject {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, { type, value }]): [string, Json][] => {
      if (type.startsWith('Binary')) return []
      if (type.startsWith('Number')) return [[name, Number(value)]]
      return [[name, type.startsWith('String.Array') ? listOf(value) : value]]
    }),
  )
}

function listOf(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
