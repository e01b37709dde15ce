import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Multicast } from '@heliograph/core/multicast'
import type { Notification } from '@heliograph/core/notification'
import type { Outcome } from '@heliograph/core/outcome'
import type { ProviderKey, ProviderRecord, Registration, TokenKey } from '@heliograph/core/ports'
import type { AcceptPorts } from '@heliograph/core/send/accept-ports'
import type { ProviderRequest } from '@heliograph/core/send/provider-request'
import { sealToken } from '@heliograph/core/token/token'
import { readProviderCertificate } from '@heliograph/core/trust/provider-trust'
import { tokenTrust } from '@heliograph/core/trust/token-trust'
import type { DeviceId, ProviderKeyId, TeamId, Topic } from '@heliograph/protocol/identifiers'
import type { OutcomeKind } from '@heliograph/protocol/outcome'
import { makeToken } from '../conformance/bearer.ts'

interface Vectors {
  readonly authority: string
  readonly at: string
  readonly valid: readonly { case: string; topics: readonly string[]; pem: string }[]
}

const file = new URL('../../test/vectors/provider-certificates.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const pemOf = (name: string) => vectors.valid.find((one) => one.case === name)?.pem ?? ''

export const NOW = Date.parse(vectors.at)
export const APP = 'com.example.app' as Topic
export const VOIP = 'com.example.app.voip' as Topic
export const UUID = '123e4567-e89b-12d3-a456-4266554400a0'

/** One names only `APP`; the other `APP`, `VOIP` and `com.example.app.complication`. */
export const certificates = {
  single: pemOf('no topic list'),
  several: pemOf('several topics in the list'),
}

const DEVICE = '0123456789abcdef' as DeviceId
export const OTHER_DEVICE = 'fedcba9876543210' as DeviceId
const key = (fill: number, state: TokenKey['state']): TokenKey => ({
  id: `01M84DPNHAYZ7515QD4F9WV4G${fill}` as TokenKey['id'],
  state,
  createdAt: 0,
  key: new Uint8Array(64).fill(fill),
})

/** Everything that accept asks of the world, in memory. */
export class Desk {
  readonly queued: Notification[] = []
  readonly multicasts: Multicast[] = []
  readonly outcomes: OutcomeKind[] = []
  /** Outcomes that were recorded together. */
  readonly together: (readonly Outcome[])[] = []
  /** How many registrations were asked for at a time. */
  readonly looks: number[] = []
  readonly records = new Map<string, ProviderRecord>()
  readonly registrations = new Map<string, Registration>()
  readonly providerKeys = new Map<string, ProviderKey>()
  keys: TokenKey[] = [key(1, 'primary')]
  /** What the ring becomes when it is read again. */
  newKeys: TokenKey[] = this.keys
  now = NOW
  /** Fingerprints of certificates that have had their share. */
  readonly overspent = new Set<string>()
  permits = Number.POSITIVE_INFINITY
  send: (notification: Notification) => Promise<void> = async () => {}
  /** Says of each multicast whether the queue takes it. */
  takesMulticasts: (count: number) => Promise<readonly boolean[]> = async (count) =>
    Array(count).fill(true)
  readonly ports: AcceptPorts

  constructor() {
    for (const pem of Object.values(certificates)) this.record(pem)
    this.register(APP)
    this.ports = this.#ports()
  }

  /** What the queue holds, of one request to many devices, too. */
  get allQueued(): Notification[] {
    return [...this.queued, ...this.multicasts.flat().map(({ notification }) => notification)]
  }

  /** Of all that was accepted so far. */
  forget(): void {
    for (const kept of [this.queued, this.multicasts, this.outcomes, this.together, this.looks])
      kept.length = 0
  }

  record(pem: string): void {
    const read = readProviderCertificate(pem, new X509Certificate(vectors.authority))
    if ('fault' in read) throw new Error(read.fault)
    const { fingerprint, topics, notBefore, notAfter } = read
    const times = { notBefore, notAfter, issuedAt: notBefore }
    this.records.set(fingerprint, { fingerprint, topics, serial: '', subject: '', ...times })
  }

  /** Puts a new provider key on record and returns an `authorization` that it signed. */
  issueKey(topics: readonly Topic[] = [APP], keyId = 'ABC123DEFG' as ProviderKeyId): string {
    const teamId = 'DEF123GHIJ' as TeamId
    const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    this.providerKeys.set(keyId, { keyId, teamId, topics, publicKey: spki, createdAt: 0 })
    return `bearer ${makeToken({ keyId, teamId, key }, this.now)}`
  }

  register(topic: Topic, change: Partial<Registration> = {}, deviceId = DEVICE): void {
    this.registrations.set(`${deviceId}/${topic}`, {
      ...{ deviceId, topic, live: true, registeredAt: 0 },
      ...change,
    })
  }

  token(topic: Topic = APP, sealedWith = this.keys[0], deviceId = DEVICE): string {
    if (!sealedWith) throw new Error('the desk has no key')
    return sealToken(sealedWith, deviceId, topic)
  }

  request(change: Partial<Omit<ProviderRequest, 'body'>> & { body?: string | Uint8Array } = {}) {
    const body = change.body ?? '{"aps":{}}'
    return {
      method: 'POST',
      path: `/3/device/${this.token()}`,
      headers: { 'apns-topic': APP },
      query: {},
      clientCertificate: certificates.several,
      ...change,
      body: typeof body === 'string' ? Buffer.from(body) : body,
    } satisfies ProviderRequest
  }

  #ports(): AcceptPorts {
    let made = 0
    const clock = { now: () => this.now }
    return {
      clock,
      ids: {
        uuid: () => {
          made += 1
          return `00000000-0000-4000-8000-${String(made).padStart(12, '0')}`
        },
        bytes: (length) => new Uint8Array(length),
        seq: () => '01M84DPNHAYZ7515QD4F9WV4GE' as Notification['seq'],
      },
      authorities: {
        find: async (name) => ({ name, certificate: vectors.authority, keyArn: '' }),
      },
      providers: { find: async (fingerprint) => this.records.get(fingerprint) },
      certificates: new Map(),
      tokens: tokenTrust({
        clock,
        keys: { find: async (keyId) => this.providerKeys.get(keyId) },
      }),
      ring: { keys: async () => this.keys, refreshed: async () => this.newKeys },
      registrations: {
        findAll: async (keys) => {
          this.looks.push(keys.length)
          return keys.map(({ deviceId, topic }) => this.registrations.get(`${deviceId}/${topic}`))
        },
      },
      queue: {
        send: async (notification) => {
          await this.send(notification)
          this.queued.push(notification)
        },
        sendMulticasts: async (multicasts) => {
          const takes = await this.takesMulticasts(multicasts.length)
          const taken = multicasts.filter((_, at) => takes[at])
          this.multicasts.push(...taken)
          return new Set(taken.flat().map(({ notification }) => notification))
        },
      },
      outcomes: {
        record: ({ kind }) => this.outcomes.push(kind),
        recordTogether: (outcomes) => this.together.push(outcomes),
      },
      providerRate: { take: (fingerprint) => !this.overspent.has(fingerprint) },
      rate: {
        take: () => {
          this.permits -= 1
          return this.permits >= 0
        },
      },
      defaultLifetimeSeconds: 3600,
      pendingRules: {},
    }
  }
}

export const newKey = (fill: number) => key(fill, 'primary')
