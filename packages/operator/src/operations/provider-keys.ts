import { createPublicKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { ProviderKeyRecords } from '@heliograph/core/operator-ports'
import type { ProviderKey } from '@heliograph/core/ports'
import {
  type ProviderKeyId,
  parseProviderKeyId,
  parseTeamId,
  type TeamId,
} from '@heliograph/protocol/identifiers'
import { base32crockford } from '@scure/base'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { failureOf } from '../fault.ts'
import type { Draft } from '../files.ts'
import { checkTopics } from './issue-provider.ts'

export interface ProviderKeyOrder {
  readonly topics: readonly string[]
  readonly team: string
  readonly keyId: string
}

/**
 * Creates a provider key on this machine and puts its public half on record. The private half is
 * stored first: an id belongs to one key permanently, so it must not be used up by a key that
 * nobody has.
 *
 * @param store saves the private half: PKCS#8 in PEM, unencrypted, like Apple's `.p8`.
 * @throws Failure that says what happened to the file.
 */
export async function createProviderKey(
  deployment: Deployment,
  order: ProviderKeyOrder,
  store: (p8: string) => Promise<Draft>,
): Promise<ProviderKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const key = keyOf(deployment, order, publicKey)
  const records = recordsOf(deployment)
  const file = await store(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  try {
    await save(records, key)
  } catch (fault) {
    if (!(await isOnRecord(records, key, file))) {
      await file.discard()
      throw because(fault, `nothing was put on record, and ${file.path} was removed`)
    }
  }
  await file.keep()
  return key
}

/** Whether the key was saved despite the error: perhaps only the answer was lost. */
async function isOnRecord(
  records: ProviderKeyRecords,
  { keyId, publicKey }: ProviderKey,
  file: Draft,
): Promise<boolean> {
  try {
    return (await records.find(keyId))?.publicKey === publicKey
  } catch (fault) {
    const what = `whether ${keyId} is on record is not known, so its private half stays in ${file.draft}`
    throw because(fault, `${what}: see heliograph provider key list`)
  }
}

/** The message of a fault, and what else the operator must know. */
function because(fault: unknown, more: string): Failure {
  const { kind = 'failed', message = String(fault) } = failureOf(fault) ?? {}
  return new Failure(kind, `${message}; ${more}`, { cause: fault })
}

/**
 * Puts the public half of a key that a team has on record under the id that the team knows it by.
 *
 * @param pem SubjectPublicKeyInfo; a private key is refused, because it has no business here.
 */
export function importProviderKey(
  deployment: Deployment,
  order: ProviderKeyOrder,
  pem: string,
): Promise<ProviderKey> {
  const key = keyOf(deployment, order, readPublicKey(pem))
  return save(recordsOf(deployment), key)
}

export function listProviderKeys(deployment: Deployment): Promise<readonly ProviderKey[]> {
  return recordsOf(deployment).list()
}

/**
 * Permanently revokes a key: every token under it is refused within 30 s
 * (`packages/core/src/cached.ts`). The time of the first revocation is kept.
 */
export async function revokeProviderKey(
  deployment: Deployment,
  keyId: ProviderKeyId,
): Promise<ProviderKey> {
  const revoked = await recordsOf(deployment).revoke(keyId, deployment.clock.now())
  if (revoked) return revoked
  throw new Failure('notFound', `no provider key ${keyId} is on record in this deployment`)
}

function recordsOf({ stage, ports }: Deployment): ProviderKeyRecords {
  if (ports.providerKeys) return ports.providerKeys
  throw new Failure(
    'notFound',
    `stage ${stage} has no provider keys yet: deploy it again with this version`,
  )
}

function keyOf(
  { clock }: Deployment,
  { keyId, team, topics }: ProviderKeyOrder,
  publicKey: KeyObject,
): ProviderKey {
  return {
    keyId: checkKeyId(keyId),
    teamId: checkTeamId(team),
    topics: checkTopics(topics),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    createdAt: clock.now(),
  }
}

async function save(records: ProviderKeyRecords, key: ProviderKey): Promise<ProviderKey> {
  if (await records.save(key)) return key
  throw new Failure(
    'refused',
    `provider key ${key.keyId} already exists: an id belongs to one key forever, so choose another`,
  )
}

/** 50 random bits, in Crockford's alphabet: 10 characters that nobody confuses. */
export function newProviderKeyId(): ProviderKeyId {
  return checkKeyId(base32crockford.encode(randomBytes(10)).slice(0, 10))
}

export function checkKeyId(text: string): ProviderKeyId {
  const keyId = parseProviderKeyId(text)
  if (keyId) return keyId
  throw new Failure('usage', `"${text}" is not a key id: it has 10 capital letters and digits`)
}

export function checkTeamId(text: string): TeamId {
  const teamId = parseTeamId(text)
  if (teamId) return teamId
  throw new Failure('usage', `"${text}" is not a team id: it has 10 capital letters and digits`)
}

function readPublicKey(pem: string): KeyObject {
  if (pem.includes('PRIVATE KEY'))
    throw new Failure(
      'usage',
      'this is a private key, which stays with its team: give its public half, made with openssl pkey -in AuthKey.p8 -pubout',
    )
  const key = parsePublicKey(pem)
  if (key?.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  throw new Failure('usage', 'this is not the public key of a P-256 pair in PEM (BEGIN PUBLIC KEY)')
}

function parsePublicKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: pem, format: 'pem', type: 'spki' })
  } catch {
    return undefined
  }
}
