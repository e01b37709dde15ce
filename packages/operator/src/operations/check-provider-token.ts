import type { ProviderKey } from '@heliograph/core/ports'
import {
  type ProviderToken,
  readProviderToken,
  TOKEN_LIFETIME_MS,
} from '@heliograph/core/trust/provider-token'
import { tokenTrust } from '@heliograph/core/trust/token-trust'
import { isRejection, type Rejection } from '@heliograph/protocol/rejection'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { type Explanation, explainAnswer } from './explain.ts'

export interface TokenStep {
  readonly name: string
  readonly good: boolean
  readonly detail: string
}

/** What the service would say of a provider token now. */
export interface CheckedProviderToken {
  /** Absent if the service would accept it. */
  readonly reason?: string
  readonly explanation: Explanation
  /** In the service's order, up to the first that fails. */
  readonly checks: readonly TokenStep[]
  /** Decoded, as far as they are JSON objects. */
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly key?: ProviderKey
  /** When the service stops taking it; milliseconds since the epoch. */
  readonly expiresAt?: number
}

/**
 * Checks a provider token (JWT) with the service's own rules, and shows step by step where it
 * fails. With a topic, it also checks whether the key may send to it.
 */
export async function checkProviderToken(
  deployment: Deployment,
  text: string,
  topic?: string,
): Promise<CheckedProviderToken> {
  const token = text.trim().replace(/^bearer\s+/i, '')
  const { providerKeys: keys } = deployment.ports
  if (!keys)
    throw new Failure(
      'notFound',
      `stage ${deployment.stage} has no provider keys yet: deploy it again with this version`,
    )
  const read = readProviderToken(token)
  const key = 'fault' in read ? undefined : await keys.find(read.keyId)
  const { clock } = deployment
  // asked of the service's own verifier, so that this page never knows better
  const judged = await tokenTrust({ clock, keys }).judge(`bearer ${token}`, '127.0.0.1')
  const refusal = isRejection(judged) ? judged : undefined
  const steps = 'fault' in read ? [bad('form', read.fault)] : stepsOf(read, key, refusal)
  const forTopic = refusal || !key || topic === undefined ? [] : [topicStep(key, topic)]
  const reason = refusal?.reason ?? (forTopic.every(({ good }) => good) ? undefined : NOT_NAMED)
  return {
    ...(reason && { reason }),
    explanation: explanationOf(reason),
    checks: upToFirstBad([...steps, ...forTopic]),
    ...decoded(token),
    ...(key && { key }),
    ...(!refusal && !('fault' in read) && { expiresAt: read.issuedAt + TOKEN_LIFETIME_MS }),
  }
}

const NOT_NAMED = 'TopicDisallowed'

const good = (name: string, detail: string): TokenStep => ({ name, good: true, detail })
const bad = (name: string, detail: string): TokenStep => ({ name, good: false, detail })

function explanationOf(reason: string | undefined): Explanation {
  if (reason !== undefined) return explainAnswer(reason === NOT_NAMED ? 400 : 403, reason)
  return {
    meaning: 'The service takes this token.',
    advice: 'Use one token for 20 to 60 minutes, then make a new one.',
  }
}

function stepsOf(
  token: ProviderToken,
  key: ProviderKey | undefined,
  refusal: Rejection | undefined,
): TokenStep[] {
  const form = good('form', 'three parts, ES256, with kid and iss')
  if (!key) return [form, bad('key', `${token.keyId} is not on record here`)]
  const isTeam = key.teamId === token.teamId
  // what the verifier refuses beyond these can only be the signature, or the time after it
  const isProven = refusal?.reason !== 'InvalidProviderToken'
  return [
    form,
    key.revokedAt === undefined
      ? good('key', `${key.keyId} is on record and live`)
      : bad('key', `${key.keyId} has been revoked`),
    (isTeam ? good : bad)(
      'team',
      isTeam
        ? `iss is ${key.teamId}, the team of the key`
        : `iss is ${token.teamId}, and the key is of team ${key.teamId}`,
    ),
    (isProven ? good : bad)(
      'signature',
      isProven ? 'was made with the private half of the key' : 'is not of this key',
    ),
    (refusal ? bad : good)('time', timeDetail(token, refusal)),
  ]
}

function timeDetail({ issuedAt }: ProviderToken, refusal: Rejection | undefined): string {
  const at = Number.isFinite(issuedAt) ? momentText(issuedAt) : 'no time that can be read'
  return refusal ? `iat is ${at}: ${refusal.detail}` : `iat is ${at}, within an hour of now`
}

/** Dates of JavaScript end in the year 275760. */
function momentText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : 'far from now'
}

function topicStep({ topics, keyId }: ProviderKey, topic: string): TokenStep {
  const isNamed = topics.some((one) => one === topic)
  return isNamed
    ? good('topic', `${keyId} names ${topic}`)
    : bad('topic', `${keyId} names ${topics.join(', ')}, and not ${topic}`)
}

function upToFirstBad(steps: readonly TokenStep[]): TokenStep[] {
  const first = steps.findIndex((step) => !step.good)
  return first === -1 ? [...steps] : steps.slice(0, first + 1)
}

function decoded(token: string): Pick<CheckedProviderToken, 'header' | 'claims'> {
  const [header, claims] = token.split('.').map(objectIn)
  return { ...(header && { header }), ...(claims && { claims }) }
}

function objectIn(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {}
  return undefined
}
