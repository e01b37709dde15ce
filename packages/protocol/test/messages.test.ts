import { expect, test } from 'vitest'
import {
  activationMessages,
  broadcastMessage,
  channelList,
  channelSettings,
  downMessages,
  feedbackPage,
  receiptAnswer,
  upMessages,
} from '../src/messages.ts'
import { outcomeKinds } from '../src/outcome.ts'
import type { Schema } from '../src/shape.ts'

/** The field at a path of names; `*` goes into a list. */
function at(schema: Schema, ...path: string[]): Schema | undefined {
  const [name, ...rest] = path
  if (name === undefined) return schema
  const inner = name === '*' ? schema.items : schema.properties?.[name]
  return inner && at(inner, ...rest)
}

const matches = (schema: Schema | undefined, value: string) =>
  new RegExp(schema?.pattern ?? '$^').test(value)

const topic = 'com.example.app'
const token = 'ab'.repeat(32)

test.each([
  ['registers for', at(upMessages.register[0].schema, 'topic')],
  ['unregisters from', at(upMessages.unregister[0].schema, 'topic')],
  ['gets a token for', at(downMessages.token.schema, 'topic')],
  ['gets a notification of', at(downMessages.notification.schema, 'topic')],
  ['is accepted for', at(downMessages.connected.schema, 'accepted', '*')],
  ['erred about', at(downMessages.error.schema, 'request', 'topic')],
])('a topic that a device %s has the form of a topic', (_, schema) => {
  expect(schema?.type).toBe('string')
  expect(matches(schema, topic)).toBe(true)
  expect(matches(schema, 'com/example')).toBe(false)
})

test.each([
  ['presents', at(upMessages.connect[0].schema, 'tokens', '*')],
  ['gets', at(downMessages.token.schema, 'token')],
  ['gets anew', at(downMessages.connected.schema, 'renewed', '*', 'token')],
])('a token that a device %s is 64 hex digits', (_, schema) => {
  expect(matches(schema, token)).toBe(true)
  expect(matches(schema, token.slice(1))).toBe(false)
})

test('a receipt says what became of one notification, with what may be missing and what may be more', () => {
  const { required, properties } = receiptAnswer.schema
  expect([...(required ?? [])].sort()).toEqual(
    ['id', 'uniqueId', 'topic', 'pushType', 'priority', 'state', 'events'].sort(),
  )
  expect(Object.keys(properties ?? {})).toEqual([...(required ?? []), 'incomplete', 'others'])
  expect(properties?.incomplete).toEqual({ const: true })
  expect(matches(properties?.id, '123e4567-e89b-42d3-a456-426614174000')).toBe(true)
  expect(matches(properties?.id, 'x')).toBe(false)
  const event = at(receiptAnswer.schema, 'events', '*')
  expect(event?.required).toEqual(['kind', 'at', 'age'])
  expect(event?.properties).toEqual({
    kind: { enum: [...outcomeKinds] },
    at: { type: 'integer' },
    age: { type: 'integer' },
    repeat: { const: true },
    replacedBy: { type: 'string' },
  })
})

test('one connect presents at most 1,000 tokens', () => {
  expect(at(upMessages.connect[0].schema, 'tokens')).toMatchObject({
    type: 'array',
    maxItems: 1_000,
  })
})

test('a token that was refused comes back no longer than a token, as it may be anything', () => {
  const refused = at(downMessages.connected.schema, 'rejected', '*', 'token')
  expect(refused).toEqual({ type: 'string', maxLength: 64 })
})

test('a renewal carries a certificate request of at most 16 KiB, or says that the new one is in use', () => {
  const [request, inUse] = upMessages.renew
  expect(at(request.schema, 'csr')).toEqual({ type: 'string', maxLength: 16_384 })
  expect(at(inUse.schema, 'inUse')).toEqual({ const: true })
})

test('what devices write may hold more fields than are known; what they read holds no others', () => {
  for (const [message] of Object.values(upMessages))
    expect(message.schema).not.toHaveProperty('additionalProperties')
  for (const name of ['token', 'connected', 'certificate', 'error'] as const)
    expect(downMessages[name].schema.additionalProperties).toBe(false)
})

test('a notification may grow, has each field of its own, and a collapse id only where it was given', () => {
  const { schema } = downMessages.notification
  expect(schema).not.toHaveProperty('additionalProperties')
  expect(schema.required).toEqual([
    ...['id', 'uniqueId', 'topic', 'seq', 'acceptedAt', 'stored', 'expiration', 'priority'],
    ...['pushType', 'payload'],
  ])
  expect(at(schema, 'collapseId')).toEqual({ type: 'string', maxLength: 64 })
  expect(at(schema, 'payload')).toEqual({ type: 'object' })
  expect(at(schema, 'stored')).toEqual({ type: 'boolean' })
  expect(at(schema, 'acceptedAt')).toEqual({ type: 'integer' })
  expect(matches(at(schema, 'seq'), '01J9ZK3V5Q8W0X2Y4A6B8C0D2E')).toBe(true)
})

test('an error names the request that it answers, and the topic where there was one', () => {
  const request = at(downMessages.error.schema, 'request')
  expect(request?.required).toEqual(['kind'])
  expect(Object.keys(request?.properties ?? {})).toEqual(['kind', 'topic'])
})

test('an activation needs a request and a code, neither longer than it can be', () => {
  const { schema } = activationMessages.request
  expect(schema.required).toEqual(['csr', 'activationCode'])
  expect(at(schema, 'csr')?.maxLength).toBe(16_384)
  expect(at(schema, 'activationCode')).toEqual({ type: 'string', minLength: 1, maxLength: 200 })
})

test('an activated device knows its id, and where to connect and publish', () => {
  const { schema } = activationMessages.answer
  expect(matches(at(schema, 'deviceId'), '0123456789abcdef')).toBe(true)
  expect(matches(at(schema, 'deviceId'), '0123')).toBe(false)
  expect(at(schema, 'mqtt')?.required).toEqual(['host', 'port', 'ca'])
  expect(at(schema, 'publish')?.required).toEqual(['register', 'connect', 'unregister', 'renew'])
})

test('an entry of feedback says when and why; which token or which notification only where known', () => {
  const entry = at(feedbackPage.schema, 'feedback', '*')
  expect(entry?.required).toEqual(['timestamp', 'reason'])
  expect(matches(entry && at(entry, 'token'), token)).toBe(true)
  expect(matches(entry && at(entry, 'id'), '123e4567-e89b-12d3-a456-426614174000')).toBe(true)
  expect(matches(entry && at(entry, 'id'), token)).toBe(false)
  expect(feedbackPage.schema.required).toEqual(['feedback', 'cursor'])
})

test('a broadcast has the fields of a notification, with its channel', () => {
  const { stored: _flag, ...fields } = downMessages.notification.schema.properties ?? {}
  // nothing waits for one device: no collapse id, and no rule for what waits
  const { collapseId: _slot, pending: _rule, ...shared } = fields
  expect(Object.keys(broadcastMessage.schema.properties ?? {}).sort()).toEqual(
    [...Object.keys(shared), 'channel'].sort(),
  )
  expect(at(broadcastMessage.schema, 'pushType')).toEqual({ const: 'liveactivity' })
  expect(matches(at(broadcastMessage.schema, 'seq'), '01J9ZK3V5Q8W0X2Y4A6B8C0D2E')).toBe(true)
  expect(matches(at(broadcastMessage.schema, 'seq'), '1')).toBe(false)
  for (const schema of [
    at(broadcastMessage.schema, 'channel'),
    at(channelList.schema, 'channels', '*'),
  ]) {
    expect(matches(schema, 'aZ09'.repeat(6))).toBe(true)
    expect(matches(schema, '+')).toBe(false)
  }
})

test('a channel is described in Apple’s words', () => {
  expect(channelSettings.schema.required).toEqual(['message-storage-policy', 'push-type'])
  expect(at(channelSettings.schema, 'message-storage-policy')).toEqual({ enum: [0, 1] })
  expect(at(channelSettings.schema, 'push-type')).toEqual({ const: 'LiveActivity' })
})
