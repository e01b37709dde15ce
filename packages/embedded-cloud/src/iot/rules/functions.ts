import { randomUUID } from 'node:crypto'
import type { Facts, Value } from './value.ts'

interface SqlFunction {
  /** How many arguments it takes, at least and at most. */
  readonly arity: readonly [number, number]
  call(args: readonly Value[], facts: Facts): Value
}

/**
 * The functions a rule may call here, by lower-case name.
 * Source: https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-functions.html
 */
export const functions: Readonly<Record<string, SqlFunction>> = {
  topic: { arity: [0, 1], call: ([level], { topic }) => topicLevel(topic, level) },
  clientid: { arity: [0, 0], call: (_, { clientId }) => clientId ?? 'N/A' },
  principal: { arity: [0, 0], call: (_, { certificateId }) => certificateId },
  timestamp: { arity: [0, 0], call: (_, { timestamp }) => timestamp },
  newuuid: { arity: [0, 0], call: () => randomUUID() },
  traceid: { arity: [0, 0], call: (_, { traceId }) => traceId },
  accountid: { arity: [0, 0], call: (_, { accountId }) => accountId },
  encode: { arity: [2, 2], call: ([value]) => base64Of(value) },
  lower: { arity: [1, 1], call: ([text]) => changeCase(text, (s) => s.toLowerCase()) },
  upper: { arity: [1, 1], call: ([text]) => changeCase(text, (s) => s.toUpperCase()) },
  isundefined: { arity: [1, 1], call: ([value]) => value === undefined },
  isnull: { arity: [1, 1], call: ([value]) => value === null },
}

function topicLevel(topic: string, level: Value): Value {
  return level === undefined ? topic : topic.split('/')[Number(level) - 1]
}

/** `encode(*, 'base64')` gives the payload's bytes; anything else is encoded as its text. */
function base64Of(value: Value): Value {
  if (value === undefined) return undefined
  if (Buffer.isBuffer(value)) return value.toString('base64')
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return Buffer.from(text).toString('base64')
}

function changeCase(value: Value, change: (text: string) => string): Value {
  return typeof value === 'string' ? change(value) : undefined
}
