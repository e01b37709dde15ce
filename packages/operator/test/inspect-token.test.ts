import { randomBytes } from 'node:crypto'
import type { DeviceRecord, Registration, TokenKey } from '@heliograph/core/ports'
import { sealToken } from '@heliograph/core/token/token'
import type { TokenKeyId, Topic } from '@heliograph/protocol/identifiers'
import { expect, test } from 'vitest'
import { newDevice, newToken } from '../../../test/contract/samples.ts'
import type { Deployment } from '../src/deployment.ts'
import { inspectToken } from '../src/operations/inspect-token.ts'

const topic = 'com.example.app' as Topic
const deviceId = newDevice()

const keyOf = (id: string): TokenKey => ({
  id: id as TokenKeyId,
  state: 'accepted',
  createdAt: 1,
  key: randomBytes(64),
})
const [old, replaced, primary] = [keyOf('1'), keyOf('2'), keyOf('3')]
const keys = [old, replaced, primary]

interface Known {
  readonly registration?: Partial<Registration>
  readonly device?: Pick<DeviceRecord, 'revokedAt'> | undefined
  readonly topics?: readonly Topic[]
  readonly keyTopics?: readonly Topic[]
}

/** A deployment that knows this of the device and the topic; the first of its keys is retired. */
function deploymentWith({ registration, device, topics = [], keyTopics }: Known): Deployment {
  const held = registration
    ? [{ deviceId, topic, live: false, registeredAt: 5, ...registration }]
    : []
  const wrapped = keys.map(({ id, createdAt }) => ({ id, createdAt, wrapped: new Uint8Array() }))
  const ports = {
    tokenKeys: {
      list: async () => wrapped.map((key) => (key.id === old.id ? { ...key, retiredAt: 9 } : key)),
      open: async ({ id, state }: TokenKey) => ({ ...keys.find((key) => key.id === id), state }),
    },
    devices: { find: async () => device },
    registrations: { list: async () => held },
    providers: { topics: async () => topics },
    ...(keyTopics && { providerKeys: { list: async () => [{ topics: keyTopics }] } }),
  }
  return { ports } as unknown as Deployment
}

const viewOf = (known: Known, key: TokenKey = primary) =>
  inspectToken(deploymentWith(known), sealToken(key, deviceId, topic))

test.each<[string, Partial<Registration>, object]>([
  ['live', { live: true }, { registration: 'live', since: 5, answer: '200' }],
  [
    'given up',
    { unregisteredAt: 7 },
    { registration: 'dead', since: 7, answer: '410 Unregistered' },
  ],
  [
    'ended by the operator',
    { unregisteredAt: 7, expiredAt: 7 },
    { registration: 'dead', since: 7, answer: '410 ExpiredToken' },
  ],
  [
    'given up after an operator ended an earlier one',
    { unregisteredAt: 8, expiredAt: 7 },
    { registration: 'dead', since: 8, answer: '410 Unregistered' },
  ],
])('a registration that is %s', async (_what, registration, expected) => {
  expect(await viewOf({ registration, device: {} })).toMatchObject({
    ...{ opens: true, deviceId, topic, device: 'active', ...expected },
    key: { id: primary.id, state: 'primary' },
  })
})

test('a registration that has never lived: a provider hears what a stranger’s token is answered', async () => {
  const view = await viewOf({ registration: {}, device: {} })
  expect(view).toMatchObject({ registration: 'dead', answer: '400 BadDeviceToken', topic })
  expect(view).not.toHaveProperty('since')
})

test('no registration: the topic is known by a certificate, a provider key, or not at all', async () => {
  const none = { registration: 'none', answer: '400 BadDeviceToken', device: 'unknown' }
  const other = 'com.example.other' as Topic
  expect(await viewOf({ topics: [other, topic] })).toMatchObject({ ...none, topic })
  expect(await viewOf({ keyTopics: [other, topic] })).toMatchObject({ ...none, topic })
  const unknown = await viewOf({ topics: [other], keyTopics: [other] })
  expect(unknown).toMatchObject({ ...none, topicHash: expect.stringMatching(/^[0-9a-f]{12}$/) })
  expect(unknown).not.toHaveProperty('topic')
})

test('the key decides first: a retired one makes a token of nobody, a replaced one does not', async () => {
  const known = { registration: { live: true }, device: { revokedAt: 1 } }
  expect(await viewOf(known, old)).toMatchObject({
    ...{ answer: '400 BadDeviceToken', registration: 'live', device: 'revoked' },
    key: { id: old.id, state: 'retired' },
  })
  expect(await viewOf(known, replaced)).toMatchObject({
    answer: '200',
    key: { id: replaced.id, state: 'accepted' },
  })
})

test('what is no token of this deployment', async () => {
  expect(await inspectToken(deploymentWith({}), newToken())).toMatchObject({ opens: false })
  expect(await inspectToken(deploymentWith({}), 'abc')).toEqual({
    opens: false,
    why: 'a token has 64 hex digits, this has 3 characters',
  })
})
