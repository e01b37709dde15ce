import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AcceptPorts } from '../../core/accept.ts'
import type { DeviceId, Topic } from '../../core/identifiers.ts'
import type { Notification } from '../../core/notification.ts'
import type { OutcomeKind } from '../../core/outcome.ts'
import type { ProviderRecord, Registration, TokenKey } from '../../core/ports.ts'
import type { ProviderRequest } from '../../core/provider-request.ts'
import { readProviderCertificate } from '../../core/provider-trust.ts'
import { sealToken } from '../../core/token.ts'

interface Vectors {
  readonly authority: string
  readonly at: string
  readonly valid: readonly { case: string; topics: readonly string[]; pem: string }[]
}

const file = new URL('../vectors/provider-certificates.json', import.meta.url)
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
  readonly outcomes: OutcomeKind[] = []
  readonly records = new Map<string, ProviderRecord>()
  readonly registrations = new Map<string, Registration>()
  keys: TokenKey[] = [key(1, 'primary')]
  /** What the ring becomes when it is read again. */
  newKeys: TokenKey[] = this.keys
  now = NOW
  permits = Number.POSITIVE_INFINITY
  send: (notification: Notification) => Promise<void> = async () => {}
  readonly ports: AcceptPorts

  constructor() {
    for (const pem of Object.values(certificates)) this.record(pem)
    this.register(APP)
    this.ports = this.#ports()
  }

  record(pem: string): void {
    const read = readProviderCertificate(pem, new X509Certificate(vectors.authority))
    if ('fault' in read) throw new Error(read.fault)
    const { fingerprint, topics, notBefore, notAfter } = read
    const times = { notBefore, notAfter, issuedAt: notBefore }
    this.records.set(fingerprint, { fingerprint, topics, serial: '', subject: '', ...times })
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
    return {
      clock: { now: () => this.now },
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
      ring: { keys: async () => this.keys, refreshed: async () => this.newKeys },
      registrations: {
        find: async (deviceId, topic) => this.registrations.get(`${deviceId}/${topic}`),
      },
      queue: {
        send: async (notification) => {
          await this.send(notification)
          this.queued.push(notification)
        },
      },
      outcomes: { record: ({ kind }) => this.outcomes.push(kind) },
      rate: {
        take: () => {
          this.permits -= 1
          return this.permits >= 0
        },
      },
      defaultLifetimeSeconds: 3600,
    }
  }
}

export const newKey = (fill: number) => key(fill, 'primary')
