import type { KeyObject } from 'node:crypto'
import type { ProviderKey } from '@heliograph/core/ports'
import type { ProviderKeyId, TeamId, Topic } from '@heliograph/protocol/identifiers'
import { makeToken } from '../conformance/bearer.ts'
import type { KeyPair } from './certificates.ts'

const TEAM = 'TEAM000001' as TeamId

/** A provider key with its private half, and what has truly become of it. */
export interface HeldKey {
  readonly record: ProviderKey
  readonly privateKey: KeyObject
  /** True time. */
  revokedAt?: number
}

/** A provider token and what is true of it, whatever it says. */
export interface HeldToken {
  readonly text: string
  readonly key: HeldKey
  /** True time. */
  readonly issuedAt: number
  /** Signed by somebody else. */
  readonly isForged: boolean
}

/** A key for these topics; the `number`-th of a run. */
export function makeKey(
  number: number,
  topics: readonly Topic[],
  { publicKey, privateKey }: KeyPair,
  createdAt: number,
): HeldKey {
  const keyId = `KEY${String(number).padStart(7, '0')}` as ProviderKeyId
  return { record: { keyId, teamId: TEAM, topics, publicKey, createdAt }, privateKey }
}

/** A token that says it is from `issuedAt` (milliseconds), signed with the key or with another. */
export function signToken(key: HeldKey, issuedAt: number, forgedWith?: KeyObject): HeldToken {
  const { keyId, teamId } = key.record
  const text = makeToken({ keyId, teamId, key: forgedWith ?? key.privateKey }, issuedAt)
  return { text, key, issuedAt, isForged: forgedWith !== undefined }
}
