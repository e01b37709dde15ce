import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2, { type ClientHttp2Session } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Device, openDevice } from '@heliograph/device'
import type { LocalFile } from '../../bin/demo.ts'
import type { Deployment } from '../../packages/operator/src/deployment.ts'
import { expireToken } from '../../packages/operator/src/operations/expire-token.ts'
import { issueProvider } from '../../packages/operator/src/operations/issue-provider.ts'
import type { TokenIdentity } from './bearer.ts'
import type { KeyPair } from './credentials.ts'
import { type OperatorReach, openOperator } from './open-operator.ts'

export type CertificateName = 'any' | 'cert-single' | 'cert-multi'
export type TokenKind = 'live' | 'dead' | 'expired'

export interface TokenDomain extends TokenIdentity {
  readonly url: string
}

/** What the cases need of a deployment; what it cannot give is undefined, and the case is skipped. */
export interface Setting {
  readonly url: string
  readonly ca: string | undefined
  readonly topic: string
  /** Where provider tokens are taken, and a key for the topic; undefined: such cases are skipped. */
  readonly tokens: TokenDomain | undefined
  certificate(name: CertificateName): Promise<KeyPair | undefined>
  /** A device token in that state for that topic. */
  token(kind: TokenKind, topic: string): Promise<string | undefined>
  close(): Promise<void>
}

/** A deployment in which one can be a device, and its operator where `operator` is given. */
export interface Reach {
  readonly local: LocalFile
  readonly operator?: OperatorReach
}

export function settingOf({ local, operator }: Reach): Setting {
  const { url, ca, topic, cert, key } = local.provider
  const devices = new Devices({ local, ...(operator && { operator }) })
  const issued = new Map<CertificateName, Promise<KeyPair | undefined>>()
  issued.set('any', Promise.resolve(readPair(cert, key)))
  return {
    url,
    ca: readFileSync(ca, 'utf8'),
    topic,
    tokens: tokenDomainOf(local),
    certificate(name) {
      const known = issued.get(name) ?? issue(operator, topicsOf(name, topic))
      issued.set(name, known)
      return known
    },
    token: (kind, of) => devices.token(kind, of),
    close: () => devices.close(),
  }
}

function tokenDomainOf({ providerToken }: LocalFile): TokenDomain | undefined {
  if (!providerToken) return undefined
  const { url, keyId, teamId, key } = providerToken
  return { url, keyId, teamId, key: createPrivateKey(readFileSync(key)) }
}

function topicsOf(name: CertificateName, topic: string): string[] {
  return name === 'cert-single' ? [topic] : [topic, `${topic}.voip`, 'com.example.second']
}

async function issue(operator: Reach['operator'], topics: string[]): Promise<KeyPair | undefined> {
  return asOperator(operator, async (deployment) => {
    const { certificatePem, keyPem } = await issueProvider(deployment, { topics })
    return { cert: certificatePem, key: keyPem }
  })
}

/** Undefined where it is not known how to act as the operator. */
async function asOperator<T>(
  operator: Reach['operator'],
  work: (deployment: Deployment) => Promise<T>,
): Promise<T | undefined> {
  if (!operator) return undefined
  const deployment = await openOperator(operator)
  try {
    return await work(deployment)
  } finally {
    await deployment.close()
  }
}

function readPair(cert: string, key: string): KeyPair {
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

/** One device that stays registered for any topic that is asked for, and one that gave its topics up. */
class Devices {
  readonly #reach: Reach
  readonly #folder = mkdtempSync(join(tmpdir(), 'heliograph-conformance-'))
  readonly #tokens = new Map<string, Promise<string | undefined>>()
  readonly #opened = new Map<TokenKind, Promise<Device>>()

  constructor(reach: Reach) {
    this.#reach = reach
  }

  token(kind: TokenKind, topic: string): Promise<string | undefined> {
    const key = `${kind} ${topic}`
    const token = this.#tokens.get(key) ?? this.#make(kind, topic)
    this.#tokens.set(key, token)
    return token
  }

  async #make(kind: TokenKind, topic: string): Promise<string | undefined> {
    const device = await this.#device(kind)
    const token = await device.register(topic)
    if (kind === 'dead') await device.unregister(topic)
    if (kind !== 'expired') return token
    const ended = await asOperator(this.#reach.operator, (one) => expireToken(one, token))
    return ended && token
  }

  #device(kind: TokenKind): Promise<Device> {
    const device = this.#opened.get(kind) ?? this.#open(kind)
    this.#opened.set(kind, device)
    return device
  }

  async #open(kind: TokenKind): Promise<Device> {
    const { url, ca, code } = this.#reach.local.activation
    const activation = { url, code, ca: readFileSync(ca, 'utf8') }
    const device = await openDevice({ directory: join(this.#folder, kind), activation })
    device.onNotification(() => {})
    await device.connect()
    return device
  }

  async close(): Promise<void> {
    for (const device of this.#opened.values()) await (await device).close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** A deployment of which only a provider's part is known. */
export interface ProviderPart {
  readonly url: string
  readonly ca?: string
  readonly cert: string
  readonly key: string
  readonly topic: string
  readonly token?: string
}

export function settingOfProvider(part: ProviderPart): Setting {
  return {
    url: part.url,
    ca: part.ca && readFileSync(part.ca, 'utf8'),
    topic: part.topic,
    tokens: undefined,
    certificate: async (name) => (name === 'any' ? readPair(part.cert, part.key) : undefined),
    token: async (kind, topic) =>
      kind === 'live' && topic === part.topic ? part.token : undefined,
    close: async () => {},
  }
}

/** Connections by certificate, opened when first asked for. */
export class Sessions {
  readonly #setting: Setting
  readonly #open = new Map<string, ClientHttp2Session>()

  constructor(setting: Setting) {
    this.#setting = setting
  }

  /** @param url an entrance other than the one for certificates. */
  of(name: string, pair: KeyPair | undefined, url = this.#setting.url): ClientHttp2Session {
    const known = this.#open.get(name)
    if (known && !known.closed && !known.destroyed) return known
    const { ca } = this.#setting
    const session = http2.connect(url, { ...pair, ...(ca && { ca }) })
    // one per request under way
    session.setMaxListeners(0)
    session.on('error', () => {})
    this.#open.set(name, session)
    return session
  }

  close(): void {
    for (const session of this.#open.values()) session.destroy()
  }
}
