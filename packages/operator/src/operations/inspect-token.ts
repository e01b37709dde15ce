import type { Registration, TokenKeyState } from '@heliograph/core/ports'
import { isForTopic, type OpenedToken, openToken } from '@heliograph/core/token/token'
import {
  type DeviceId,
  type DeviceToken,
  parseDeviceToken,
  type TokenKeyId,
  type Topic,
} from '@heliograph/protocol/identifiers'
import type { Deployment } from '../deployment.ts'
import { listTokenKeys } from './token-keys.ts'

/** What a token is, or why it is not a token. */
export type TokenView =
  | { readonly opens: false; readonly why: string }
  | {
      readonly opens: true
      readonly deviceId: DeviceId
      readonly device: 'active' | 'revoked' | 'unknown'
      /** Undefined if neither a registration nor an issued certificate names it. */
      readonly topic?: Topic
      readonly topicHash: string
      readonly key: { readonly id: TokenKeyId; readonly state: TokenKeyState }
      readonly registration: 'live' | 'dead' | 'none'
      /** Milliseconds since the epoch: since when the registration is live or dead. */
      readonly since?: number
      /** What a provider with a certificate for the topic is answered. */
      readonly answer: '200' | '400 BadDeviceToken' | '410 Unregistered' | '410 ExpiredToken'
    }

/** Opens a token with every key there ever was, which no function of the service does. */
export async function inspectToken(deployment: Deployment, text: string): Promise<TokenView> {
  const token = parseDeviceToken(text)
  if (!token)
    return { opens: false, why: `a token has 64 hex digits, this has ${text.length} characters` }
  const opened = await openWithAnyKey(deployment, token)
  if (!opened)
    return {
      opens: false,
      why: 'no token key of this deployment opens it: it was not made here, or it was changed',
    }
  return describe(deployment, opened)
}

async function openWithAnyKey(
  deployment: Deployment,
  token: DeviceToken,
): Promise<OpenedToken | undefined> {
  for (const key of await listTokenKeys(deployment)) {
    const opened = openToken([await deployment.ports.tokenKeys.open(key)], token)
    if (opened) return opened
  }
  return undefined
}

async function describe(deployment: Deployment, opened: OpenedToken): Promise<TokenView> {
  const { deviceId, topicHash, key } = opened
  const [device, held] = await Promise.all([
    deployment.ports.devices.find(deviceId),
    deployment.ports.registrations.list(deviceId),
  ])
  const registration = held.find(({ topic }) => isForTopic(opened, topic))
  const topic = registration?.topic ?? (await knownTopic(deployment, opened))
  const since = registration?.live ? registration.registeredAt : registration?.unregisteredAt
  return {
    opens: true,
    ...{ deviceId, topicHash, key: { id: key.id, state: key.state } },
    device: device ? (device.revokedAt === undefined ? 'active' : 'revoked') : 'unknown',
    registration: registration ? (registration.live ? 'live' : 'dead') : 'none',
    answer: answerOf(key.state, registration),
    ...(topic && { topic }),
    ...(since !== undefined && { since }),
  }
}

async function knownTopic({ ports }: Deployment, opened: OpenedToken): Promise<Topic | undefined> {
  const [issued, keys] = await Promise.all([
    ports.providers.topics(),
    ports.providerKeys?.list() ?? [],
  ])
  const topics = [...issued, ...keys.flatMap((key) => key.topics)]
  return topics.find((topic) => isForTopic(opened, topic))
}

/** As `packages/core/src/send/accept.ts` judges: the key first, then the registration. */
function answerOf(
  state: TokenKeyState,
  registration: Registration | undefined,
): '200' | '400 BadDeviceToken' | '410 Unregistered' | '410 ExpiredToken' {
  if (state === 'retired' || !registration) return '400 BadDeviceToken'
  if (registration.live) return '200'
  const { unregisteredAt, expiredAt } = registration
  if (unregisteredAt === undefined) return '400 BadDeviceToken'
  return expiredAt === unregisteredAt ? '410 ExpiredToken' : '410 Unregistered'
}
