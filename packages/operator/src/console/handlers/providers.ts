import type { ProviderKey, ProviderRecord } from '@heliograph/core/ports'
import { isRevocationReason } from '@heliograph/core/trust/revocation-list'
import { parseFingerprint } from '@heliograph/protocol/identifiers'
import { MAX_TRUST_SECONDS } from '@heliograph/protocol/limits'
import type { Deployment } from '../../deployment.ts'
import { checkProviderToken } from '../../operations/check-provider-token.ts'
import { type IssuedProvider, issueProvider, MAX_DAYS } from '../../operations/issue-provider.ts'
import {
  checkKeyId,
  checkTeamId,
  createProviderKey,
  importProviderKey,
  listProviderKeys,
  newProviderKeyId,
  revokeProviderKey,
} from '../../operations/provider-keys.ts'
import { providerTokens } from '../../operations/provider-token.ts'
import { listProviders, providerState, revokeProvider } from '../../operations/providers.ts'
import type { CredentialView, Download, ProviderCertificate, ProviderKeyView } from '../api.ts'
import { ApiFailure } from '../failure.ts'
import {
  type Body,
  demandConfirmed,
  flag,
  optionalText,
  optionalWhole,
  text,
  texts,
} from '../http/body.ts'
import type { Handlers } from '../http/router.ts'
import { patience } from '../limits.ts'
import type { ConsoleWorld } from '../world.ts'

type CertificateNames =
  | 'GET /api/providers/certificates'
  | 'POST /api/providers/certificates'
  | 'POST /api/providers/certificates/:fingerprint/revoke'

type KeyNames =
  | 'GET /api/providers/keys'
  | 'POST /api/providers/keys'
  | 'POST /api/providers/keys/import'
  | 'POST /api/providers/keys/:keyId/revoke'
  | 'POST /api/providers/tokens/check'

export function providerHandlers(world: ConsoleWorld): Pick<Handlers, CertificateNames | KeyNames> {
  return { ...certificates(world), ...keys(world), ...keyChanges(world) }
}

function certificates(world: ConsoleWorld): Pick<Handlers, CertificateNames> {
  return {
    'GET /api/providers/certificates': {
      seconds: patience.slowRead,
      async answer() {
        const records = await listProviders(await world.deployment())
        return { certificates: records.map((record) => certificateView(world, record)) }
      },
    },
    'POST /api/providers/certificates': {
      seconds: patience.change,
      answer: ({ body }) => issue(world, body),
    },
    'POST /api/providers/certificates/:fingerprint/revoke': {
      seconds: patience.change,
      async answer({ params, body }) {
        const deployment = await world.deployment()
        const { fingerprint, topics } = await findCertificate(deployment, params.fingerprint)
        demandConfirmed(body, topics[0] ?? fingerprint)
        const reason = optionalText(body, 'reason') ?? 'unspecified'
        if (!isRevocationReason(reason))
          throw new ApiFailure('usage', 'reason must be one of RFC 5280 that fits a provider')
        const record = await revokeProvider(deployment, fingerprint, reason)
        return { ...certificateView(world, record), effectiveBy: effectiveBy(record.revokedAt) }
      },
    },
  }
}

async function findCertificate(deployment: Deployment, given: string): Promise<ProviderRecord> {
  const fingerprint = parseFingerprint(given)
  const found = (await listProviders(deployment)).find((one) => one.fingerprint === fingerprint)
  if (found) return found
  throw new ApiFailure('notFound', `no certificate ${given} is on record in this deployment`)
}

function effectiveBy(revokedAt = 0): number {
  return revokedAt + MAX_TRUST_SECONDS * 1_000
}

function certificateView({ clock }: ConsoleWorld, record: ProviderRecord): ProviderCertificate {
  return { ...record, topics: [...record.topics], state: providerState(record, clock.now()) }
}

async function issue(world: ConsoleWorld, body: Body) {
  const days = optionalWhole(body.days, 'days', { least: 1, most: MAX_DAYS })
  const passphrase = optionalText(body, 'passphrase')
  const [topics, isUsed] = [texts(body, 'topics'), flag(body, 'use')]
  if (isUsed) world.credentials.demandRoom()
  const issued = await issueProvider(await world.deployment(), {
    topics,
    ...(days !== undefined && { days }),
    ...(passphrase !== undefined && { passphrase }),
  })
  return {
    certificate: certificateView(world, issued.record),
    files: filesOf(issued),
    ...(passphrase === undefined && { passphrase: issued.passphrase }),
    ...(isUsed && { credential: useCertificate(world, issued) }),
  }
}

function useCertificate(
  { credentials }: ConsoleWorld,
  { certificatePem: cert, keyPem: key, record }: IssuedProvider,
): CredentialView {
  const topics = [...record.topics]
  const label = topics[0] ?? record.fingerprint
  return credentials.add({ label, kind: 'certificate', from: 'issued', topics }, { cert, key })
}

/** As `heliograph provider issue` names them; one topic may be a path elsewhere, so only plain characters stay. */
function filesOf({ p12, certificatePem, keyPem, record }: IssuedProvider): Download[] {
  const name = (record.topics[0] ?? 'provider').replace(/[^\w.-]/g, '_')
  const pem = 'application/x-pem-file'
  return [
    download(`${name}.p12`, 'application/x-pkcs12', p12, true),
    download(`${name}.pem`, pem, certificatePem, false),
    download(`${name}.key`, pem, keyPem, true),
  ]
}

function download(
  name: string,
  mediaType: string,
  content: string | Buffer,
  secret: boolean,
): Download {
  return { name, mediaType, base64: Buffer.from(content).toString('base64'), secret }
}

function keys(
  world: ConsoleWorld,
): Pick<Handlers, 'GET /api/providers/keys' | 'POST /api/providers/tokens/check'> {
  return {
    'GET /api/providers/keys': {
      seconds: patience.slowRead,
      async answer() {
        const found = await listProviderKeys(await world.deployment())
        return { keys: found.map(keyView) }
      },
    },
    'POST /api/providers/tokens/check': {
      seconds: patience.read,
      async answer({ body }) {
        const token = text(body, 'token')
        const topic = optionalText(body, 'topic') || undefined
        const checked = await checkProviderToken(await world.deployment(), token, topic)
        const { key, checks, ...rest } = checked
        return { ...rest, checks: [...checks], ...(key && { key: keyView(key) }) }
      },
    },
  }
}

function keyChanges(
  world: ConsoleWorld,
): Pick<
  Handlers,
  | 'POST /api/providers/keys'
  | 'POST /api/providers/keys/import'
  | 'POST /api/providers/keys/:keyId/revoke'
> {
  return {
    'POST /api/providers/keys': {
      seconds: patience.change,
      answer: ({ body }) => createKey(world, body),
    },
    'POST /api/providers/keys/import': {
      seconds: patience.change,
      async answer({ body }) {
        const [team, keyId] = [text(body, 'team'), text(body, 'keyId')]
        const order = { team, keyId, topics: texts(body, 'topics') }
        const pem = text(body, 'publicKey')
        return keyView(await importProviderKey(await world.deployment(), order, pem))
      },
    },
    'POST /api/providers/keys/:keyId/revoke': {
      seconds: patience.change,
      async answer({ params, body }) {
        const keyId = checkKeyId(params.keyId)
        demandConfirmed(body, keyId)
        const key = await revokeProviderKey(await world.deployment(), keyId)
        return { ...keyView(key), effectiveBy: effectiveBy(key.revokedAt) }
      },
    },
  }
}

async function createKey(world: ConsoleWorld, body: Body) {
  const given = optionalText(body, 'keyId')
  const keyId = given === undefined ? newProviderKeyId() : checkKeyId(given)
  const teamId = checkTeamId(text(body, 'team'))
  const [topics, isUsed] = [texts(body, 'topics'), flag(body, 'use')]
  if (isUsed) world.credentials.demandRoom()
  let p8 = ''
  const inMemory = async (pem: string) => {
    p8 = pem
    const nothing = async () => {}
    // words for the sentence of a failure
    return { path: 'its private half', draft: 'no file', keep: nothing, discard: nothing }
  }
  const order = { topics, team: teamId, keyId }
  const key = await createProviderKey(await world.deployment(), order, inMemory)
  const name = `AuthKey_${keyId}.p8`
  const use = () =>
    world.credentials.add(
      { label: name, kind: 'key', from: 'issued', topics: [...key.topics], keyId, teamId },
      providerTokens({ keyId, teamId, p8 }, world.clock.now),
    )
  return {
    key: keyView(key),
    file: download(name, 'application/x-pem-file', p8, true),
    ...(isUsed && { credential: use() }),
  }
}

function keyView({ keyId, teamId, topics, createdAt, revokedAt }: ProviderKey): ProviderKeyView {
  const isRevoked = revokedAt !== undefined
  return {
    ...{ keyId, teamId, topics: [...topics], createdAt },
    ...(isRevoked && { revokedAt }),
    state: isRevoked ? 'revoked' : 'live',
  }
}
