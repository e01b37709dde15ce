import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { ProviderKey } from '@heliograph/core/ports'
import type { ProviderKeyId, TeamId, Topic } from '@heliograph/protocol/identifiers'
import { expect, test } from 'vitest'
import { makeToken, type TokenShape } from '../../../tools/conformance/bearer.ts'
import type { Deployment } from '../src/deployment.ts'
import { checkProviderToken } from '../src/operations/check-provider-token.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const [keyId, teamId] = ['ABC123DEFG' as ProviderKeyId, 'DEF123GHIJ' as TeamId]
const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
const record: ProviderKey = {
  ...{ keyId, teamId, topics: ['com.example.app' as Topic], createdAt: 0 },
  publicKey: publicKey.toString('base64'),
}

function deploymentWith(...keys: readonly ProviderKey[]): Deployment {
  const find = async (id: string) => keys.find((key) => key.keyId === id)
  const ports = { providerKeys: { find } }
  return { stage: 'test', ports, clock: { now: () => NOW } } as unknown as Deployment
}

const tokenOf = (shape: TokenShape = {}, at = NOW) =>
  makeToken({ keyId, teamId, key: privateKey }, at, shape)

const check = (token: string, topic?: string, ...keys: readonly ProviderKey[]) =>
  checkProviderToken(deploymentWith(...(keys.length > 0 ? keys : [record])), token, topic)

test('a good token is good in every step, and says until when', async () => {
  const checked = await check(`Bearer ${tokenOf()}\n`, 'com.example.app')
  expect(checked).not.toHaveProperty('reason')
  expect(checked.checks.map(({ name, good }) => [name, good])).toEqual([
    ...[
      ['form', true],
      ['key', true],
      ['team', true],
      ['signature', true],
      ['time', true],
    ],
    ['topic', true],
  ])
  expect(checked).toMatchObject({
    ...{ header: { alg: 'ES256', kid: keyId }, claims: { iss: teamId }, key: { keyId } },
    expiresAt: NOW + 3_600_000,
  })
})

const HOUR = 3_600_000
const { privateKey: foreign } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

test.each([
  ['form', 'InvalidProviderToken', 'hello', record],
  ['key', 'InvalidProviderToken', tokenOf(), { ...record, keyId: 'ZZZZZZZZZZ' as ProviderKeyId }],
  ['key', 'InvalidProviderToken', tokenOf(), { ...record, revokedAt: 1 }],
  ['team', 'InvalidProviderToken', tokenOf(), { ...record, teamId: 'ZZZZZZZZZZ' as TeamId }],
  [
    ...(['signature', 'InvalidProviderToken'] as const),
    ...([makeToken({ keyId, teamId, key: foreign }, NOW), record] as const),
  ],
  ['time', 'ExpiredProviderToken', tokenOf({}, NOW - 2 * HOUR), record],
])('the first step that fails is the last: %s, %s', async (step, reason, token, key) => {
  const checked = await check(token, 'com.example.app', key)
  expect(checked.reason).toBe(reason)
  expect(checked.checks.map(({ good }) => good).indexOf(false)).toBe(checked.checks.length - 1)
  expect(checked.checks.at(-1)).toMatchObject({ name: step, good: false })
  expect(checked).not.toHaveProperty('expiresAt')
})

test('a topic that the key does not name is disallowed', async () => {
  const checked = await check(tokenOf(), 'com.example.app.voip')
  expect(checked).toMatchObject({ reason: 'TopicDisallowed', explanation: { retry: 'fixed' } })
  expect(checked.checks.at(-1)).toMatchObject({ name: 'topic', good: false })
})
