import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { LocalFile } from '../../../bin/demo.ts'
import { jsonLog } from '../../../packages/machine/src/log.ts'
import { type Machine, startMachine } from '../../../packages/machine/src/machine.ts'
import { type Settings, settingsOf } from '../../../packages/machine/src/settings.ts'
import { OPERATOR_SOCKET } from '../../../packages/machine/src/state-files.ts'
import type { Deployment } from '../../../packages/operator/src/deployment.ts'
import { prepareDevelopment } from '../../../packages/operator/src/serve/development.ts'
import { MACHINE_STATE, openOperator } from '../../conformance/open-operator.ts'

/** A slow device is waited for: what is not acknowledged in time would go to its slot, and be coalesced there. */
const settings: Partial<Settings> = {
  ...{ channelRatePerSecond: 0, tokenRatePerSecond: 0 },
  ...{ activationsPerSecond: 1_000, activationRequestsPerSecond: 10_000 },
  ...{ deliverPatienceSeconds: 4, receipts: 'all' },
}

export interface Sent {
  readonly status: number
  /** The `apns-id`. */
  readonly id: string
  readonly reason: string | undefined
}

/** A service that is reached as providers, operators and devices reach it. */
export class LiveService {
  readonly #folder: string
  #machine: Machine | undefined
  readonly #key: Uint8Array | undefined
  readonly #sessions = new Map<string, ClientHttp2Session>()

  private constructor(folder: string, machine?: Machine, key?: Uint8Array) {
    this.#folder = folder
    this.#machine = machine
    this.#key = key
  }

  /** `heliograph serve --dev`, in this process. */
  static async start(): Promise<LiveService> {
    const folder = mkdtempSync(join(tmpdir(), 'heliograph-live-'))
    const key = new Uint8Array(randomBytes(32))
    const anyPorts = {
      providerPort: 0,
      activationPort: 0,
      devicePort: 0,
      metricsPort: 0,
      channelPort: 0,
    }
    return new LiveService(folder, await serve(folder, key, anyPorts), key)
  }

  /** The one whose `local.json` this is. */
  static of(localJson: string): LiveService {
    return new LiveService(dirname(localJson))
  }

  /** Whether it was started here, so that it can be stopped, and waits long for a device. */
  get isOwn(): boolean {
    return this.#machine !== undefined
  }

  /** The path of its `local.json`. */
  get file(): string {
    return join(this.#folder, 'local.json')
  }

  get local(): LocalFile {
    return JSON.parse(readFileSync(this.file, 'utf8')) as LocalFile
  }

  get topic(): string {
    return this.local.provider.topic
  }

  get activation() {
    const { url, code, ca } = this.local.activation
    return { url, code, ca: readFileSync(ca, 'utf8') }
  }

  /** Undefined where it is not known how to act as its operator. */
  async asOperator<T>(work: (deployment: Deployment) => Promise<T>): Promise<T | undefined> {
    if (!existsSync(join(this.#folder, OPERATOR_SOCKET))) return undefined
    const environment = { [MACHINE_STATE]: this.#folder }
    const deployment = await openOperator({ stage: '', environment })
    try {
      return await work(deployment)
    } finally {
      await deployment.close()
    }
  }

  async send(token: string, payload: object = { aps: { alert: 'hello' } }): Promise<Sent> {
    return sentOf(await this.#post(`/3/device/${token}`, payload))
  }

  /** Creates a channel for the topic that stores its latest; undefined where the service has no channels. */
  async createChannel(): Promise<string | undefined> {
    const { channels } = this.local as LocalFile & { readonly channels?: { readonly url: string } }
    if (!channels) return undefined
    const settings = { 'message-storage-policy': 1, 'push-type': 'LiveActivity' }
    const path = `/1/apps/${this.topic}/channels`
    const answer = await this.#request({ url: channels.url, method: 'POST', path, body: settings })
    if (answer.status !== 201) throw new Error(`no channel was created: ${answer.body}`)
    return String(answer.headers['apns-channel-id'])
  }

  /** Publishes to those who have joined, and stores it for those who join within the hour. */
  async publish(channel: string, payload: object): Promise<Sent> {
    const headers = {
      'apns-channel-id': channel,
      'apns-push-type': 'liveactivity',
      'apns-priority': '10',
      'apns-expiration': String(Math.floor(Date.now() / 1000) + 3600),
    }
    return sentOf(await this.#post(`/4/broadcasts/apps/${this.topic}`, payload, headers))
  }

  /** The state in the receipt of a notification; undefined where there is none yet. */
  async stateOf(id: string): Promise<string | undefined> {
    const path = `/3/notification/${id}`
    const { status, body } = await this.#request({ method: 'GET', path, headers: this.#ofTopic() })
    return status === 200 ? (JSON.parse(body) as { state: string }).state : undefined
  }

  /** Ends it and starts it again, on the same ports with the same state. */
  async restart(): Promise<void> {
    if (!this.#machine || !this.#key) throw new Error('it was not started here')
    this.#hangUp()
    const { provider, activation, devices, metrics, channels } = this.#machine.ports
    await this.#machine.close()
    this.#machine = await serve(this.#folder, this.#key, {
      ...{ providerPort: provider, activationPort: activation },
      ...{ devicePort: devices, metricsPort: metrics, channelPort: channels },
    })
  }

  async close(): Promise<void> {
    this.#hangUp()
    if (!this.#machine) return
    await this.#machine.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #hangUp(): void {
    for (const session of this.#sessions.values()) session.destroy()
    this.#sessions.clear()
  }

  #connection(url: string): ClientHttp2Session {
    const known = this.#sessions.get(url)
    if (known && !known.destroyed && !known.closed) return known
    const { ca, cert, key } = this.local.provider
    const session = http2.connect(url, {
      ca: readFileSync(ca),
      cert: readFileSync(cert),
      key: readFileSync(key),
    })
    session.on('error', () => {})
    this.#sessions.set(url, session)
    return session
  }

  #ofTopic(): Readonly<Record<string, string>> {
    return { 'apns-topic': this.topic }
  }

  #post(path: string, body: object, headers = this.#ofTopic()): Promise<Answer> {
    return this.#request({ method: 'POST', path, body, headers })
  }

  #request({ url = this.local.provider.url, method, path, headers, body }: Request) {
    return new Promise<Answer>((resolve, reject) => {
      const stream = this.#connection(url).request({
        ...{ ':method': method, ':path': path },
        ...headers,
      })
      let text = ''
      let got: IncomingHttpHeaders = {}
      stream.setEncoding('utf8')
      stream.on('response', (answer) => {
        got = answer
      })
      stream.on('data', (chunk: string) => {
        text += chunk
      })
      stream.on('end', () => resolve({ status: Number(got[':status']), headers: got, body: text }))
      stream.on('error', reject)
      if (body === undefined) stream.end()
      else stream.end(JSON.stringify(body))
    })
  }
}

interface Request {
  /** Default: where notifications are sent. */
  readonly url?: string
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function sentOf({ status, headers, body }: Answer): Sent {
  const { reason } = JSON.parse(body || '{}') as { reason?: string }
  return { status, id: String(headers['apns-id'] ?? ''), reason }
}

async function serve(folder: string, key: Uint8Array, ports: Partial<Settings>): Promise<Machine> {
  const known = settingsOf({ ...settings, ...ports }, 'the suite')
  const machine = await startMachine({ folder, key, settings: known, log: jsonLog(() => {}) })
  await prepareDevelopment(machine, folder)
  return machine
}
