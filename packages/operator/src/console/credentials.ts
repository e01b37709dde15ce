import { createSecureContext } from 'node:tls'
import type { ProviderIdentity } from '../operations/edge.ts'
import { checkKeyId, checkTeamId } from '../operations/provider-keys.ts'
import { providerTokens } from '../operations/provider-token.ts'
import type { CredentialView } from './api.ts'
import { ApiFailure } from './failure.ts'
import { type Body, optionalText, text } from './http/body.ts'
import { MAX_CREDENTIALS } from './limits.ts'

export interface KeptCredential {
  readonly view: CredentialView
  readonly identity: ProviderIdentity
}

export type NewView = Omit<CredentialView, 'id'>

/** Who can send. It is in memory only, and no answer ever has more of it than its name. */
export class Credentials {
  readonly #kept = new Map<string, KeptCredential>()
  readonly #newId: () => string

  constructor(newId: () => string) {
    this.#newId = newId
  }

  /** Asked before a key is made that would be lost with a refusal. */
  demandRoom(): void {
    if (this.#kept.size >= MAX_CREDENTIALS)
      throw new ApiFailure('busy', `there are ${MAX_CREDENTIALS} credentials: forget one first`)
  }

  add(view: NewView, identity: ProviderIdentity): CredentialView {
    this.demandRoom()
    const named = { id: this.#newId(), ...view }
    this.#kept.set(named.id, { view: named, identity })
    return named
  }

  find(id: string): KeptCredential {
    const kept = this.#kept.get(id)
    if (kept) return kept
    throw new ApiFailure('notFound', 'this credential is not kept here: give it again')
  }

  has(from: CredentialView['from']): boolean {
    return [...this.#kept.values()].some(({ view }) => view.from === from)
  }

  list(): CredentialView[] {
    return [...this.#kept.values()].map(({ view }) => view)
  }

  forget(id: string): void {
    this.#kept.delete(this.find(id).view.id)
  }
}

/** A credential that the page gives. @throws ApiFailure or Failure where it cannot be used. */
export function readCredential(body: Body, now: () => number): [NewView, ProviderIdentity] {
  const label = optionalText(body, 'label')
  switch (body.kind) {
    case 'pem':
      return [
        { label: label ?? 'certificate', kind: 'certificate', from: 'page' },
        usable({ cert: text(body, 'certificate'), key: text(body, 'key') }),
      ]
    case 'p12': {
      const pfx = Buffer.from(text(body, 'p12'), 'base64')
      return [
        { label: label ?? 'PKCS#12 file', kind: 'certificate', from: 'page' },
        usable({ pfx, passphrase: text(body, 'passphrase') }),
      ]
    }
    case 'key':
      return readKey(body, label, now)
    default:
      throw new ApiFailure('usage', 'kind must be pem, p12 or key')
  }
}

function readKey(
  body: Body,
  label: string | undefined,
  now: () => number,
): [NewView, ProviderIdentity] {
  const keyId = checkKeyId(text(body, 'keyId'))
  const teamId = checkTeamId(text(body, 'teamId'))
  const view = { label: label ?? `AuthKey_${keyId}.p8`, kind: 'key', from: 'page' } as const
  return [{ ...view, keyId, teamId }, providerTokens({ keyId, teamId, p8: text(body, 'p8') }, now)]
}

/** Whether TLS takes it, before anything is sent with it. */
function usable(
  identity: Extract<ProviderIdentity, { key: string } | { pfx: Buffer }>,
): ProviderIdentity {
  try {
    createSecureContext(identity)
    return identity
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault)
    throw new ApiFailure(
      'usage',
      `the certificate and its key cannot be used (${why}): check the files and the passphrase`,
      { cause: fault },
    )
  }
}
