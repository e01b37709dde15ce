import type { CredentialView, DeploymentView } from 'heliograph/console/api'
import type { QueryChange } from '../../routing/address.ts'
import type { Credential, SendRequest } from './code/request.ts'
import { templateFor } from './payload.ts'

/** The fields of the form; an empty one is left to the service. */
export interface Draft {
  readonly token: string
  readonly topic: string
  readonly pushType: string
  readonly priority: string
  readonly expiration: string
  readonly collapseId: string
  readonly id: string
  readonly payload: string
}

/** What the view's address keeps. The payload may be private and is not part of it. */
const names = ['token', 'topic', 'pushType', 'priority', 'expiration', 'collapseId', 'id'] as const

export function draftOf(query: URLSearchParams): Draft {
  const [token, topic, pushType, priority, expiration, collapseId, id] = names.map(
    (name) => query.get(name) ?? '',
  ) as [string, string, string, string, string, string, string]
  const payload = templateFor(pushType)
  return { token, topic, pushType, priority, expiration, collapseId, id, payload }
}

export function queryOf(draft: Draft): QueryChange {
  return Object.fromEntries(names.map((name) => [name, draft[name]]))
}

/** What was entered; fields that were left empty are not in it. */
export function orderOf(draft: Draft) {
  const entries = names.flatMap((name) => {
    const value = draft[name].trim()
    return value === '' ? [] : [[name, value] as const]
  })
  const given: Partial<Record<(typeof names)[number], string>> = Object.fromEntries(entries)
  return { ...given, token: draft.token.trim(), payload: draft.payload }
}

/** The request to show; without a deployment or a credential it has names to be replaced. */
export function requestOf(
  draft: Draft,
  credential: CredentialView | undefined,
  deployment: DeploymentView | undefined,
  privateAuthority: boolean,
): SendRequest {
  const order = orderOf(draft)
  const { entrances } = deployment ?? {}
  const url = credential?.kind === 'key' ? entrances?.tokens : entrances?.provider
  return {
    ...order,
    token: order.token || 'DEVICE_TOKEN',
    url: url ?? 'https://push.example.com',
    privateAuthority,
    credential: identityOf(credential),
  }
}

function identityOf(credential: CredentialView | undefined): Credential {
  if (credential?.kind !== 'key') return { kind: 'certificate' }
  const { keyId = '<key id>', teamId = '<team id>' } = credential
  return { kind: 'key', keyId, teamId }
}

/** What is wrong with a token at first sight. */
export function tokenFault(token: string): string | undefined {
  const text = token.trim()
  if (text === '')
    return 'Enter the device token: 64 hex digits. A device gets it when it registers.'
  return /^[0-9a-f]{64}$/i.test(text)
    ? undefined
    : `A device token has 64 hex digits, and this has ${text.length} characters.`
}
