import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { makePrivateKey, makeRequest } from '../../packages/device/src/certificate.ts'
import {
  type Activation,
  activatePlainly,
  PlainDevice,
  readyDevice,
  requestOn,
  settle,
  until,
} from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import { framesOf, RawDevice } from './raw-device.ts'

/** A client that takes everything and acknowledges nothing. */
export class SilentDevice extends PlainDevice {
  readonly publishTopics: Activation['publish']

  constructor(activation: { readonly key: string; readonly answer: Activation }) {
    super(activation)
    this.publishTopics = activation.answer.publish
    this.client.handleMessage = (_packet, callback) => callback(new Error('says nothing'))
  }

  /** Sends at QoS 0, as fast as the socket takes it. */
  shout(upstream: keyof Activation['publish'], text: string): void {
    this.client.publish(this.publishTopics[upstream], text)
  }
}

export interface Silent {
  readonly device: SilentDevice
  readonly token: string
}

/** Activated, connected, registered, and silent from then on. */
export async function openSilent(target: Target): Promise<Silent> {
  const activation = await activatePlainly(target)
  const device = new SilentDevice(activation)
  await device.connect()
  const { topic } = target.local.provider
  await device.publish(activation.answer.publish.register, { topic })
  const token = String((await device.take('heliograph/token')).token)
  return { device, token }
}

/** A silent device whose requests are ready to go. */
export interface Loaded {
  readonly device: RawDevice
  readonly token: string
  fire(): void
}

/** Activated and registered; silent from then on, with so many requests of every kind to send at once. */
export async function loadSilent(target: Target, count: number): Promise<Loaded> {
  const activation = await activatePlainly(target)
  const { topic } = target.local.provider
  const { publish } = activation.answer
  const first = new PlainDevice(activation)
  await first.connect()
  await first.publish(publish.register, { topic })
  const token = String((await first.take('heliograph/token')).token)
  await first.close()
  const device = await RawDevice.open(activation)
  const csr = await makeRequest(makePrivateKey())
  const frames = framesOf(
    requests({ token, csr, topic }, count).map(([upstream, text]) => [publish[upstream], text]),
  )
  return { device, token, fire: () => device.send(frames) }
}

/** Every kind of request, well-formed, malformed, and of one byte. */
function requests(
  { token, csr, topic }: Readonly<Record<'token' | 'csr' | 'topic', string>>,
  count: number,
): (readonly [keyof Activation['publish'], string])[] {
  const kinds = [
    ['register', '0'],
    ['register', JSON.stringify({ topic })],
    ['connect', JSON.stringify({ tokens: [token] })],
    ['unregister', JSON.stringify({ topic: 'com.example.never' })],
    ['renew', JSON.stringify({ csr })],
    ['register', JSON.stringify({ topic: 'com.example.unknown' })],
    ['connect', '{}'],
    ['unregister', '0'],
    ['renew', JSON.stringify({ csr: 'x' })],
    ['connect', JSON.stringify({ tokens: [] })],
    ['renew', '0'],
    ['connect', '0'],
  ] as const
  return Array.from({ length: count }, (_, n) => kinds[n % kinds.length] ?? kinds[0])
}

/** Longer than the service waits for a PUBACK and then tries the slot again. */
const REPLACED_MS = 20_000

/** An honest provider and device, and how long a notification takes from one to the other. */
export async function openHonest(target: Target, provider = target.local.provider) {
  const { url, ca, cert, key, topic } = provider
  const { device, token, received } = await readyDevice(target, topic)
  const edge = http2.connect(url, {
    ca: readFileSync(ca),
    cert: readFileSync(cert),
    key: readFileSync(key),
  })
  const arrived = new Map<number, number>()
  device.onNotification(({ payload }) => {
    arrived.set(Number((payload as { n?: unknown }).n), performance.now())
  })
  let count = 0
  /**
   * When this one was there. One whose PUBACK came too late on a busy machine waits in the slot, where a newer one
   * may replace it: it then took as long as it takes to be sure of that.
   */
  const arrivalOf = (n: number, startedAt: number): number | undefined => {
    const at = arrived.get(n)
    if (at !== undefined || performance.now() - startedAt < REPLACED_MS) return at
    return [...arrived.keys()].some((other) => other > n) ? performance.now() : undefined
  }
  const sendOne = async (): Promise<number> => {
    count += 1
    const n = count
    const startedAt = performance.now()
    const body = JSON.stringify({ aps: { alert: 'x' }, n })
    const { status, reason } = await requestOn(edge, { token, topic, body })
    if (status !== 200) throw new Error(`${status} ${reason}`)
    return (await until(() => arrivalOf(n, startedAt))) - startedAt
  }
  return {
    device,
    received,
    /** Milliseconds that each took, sorted; one is sent every `everyMs`. */
    async times(howMany: number, everyMs: number): Promise<number[]> {
      const sending: Promise<number>[] = []
      for (let sent = 0; sent < howMany; sent += 1) {
        sending.push(sendOne())
        await settle(everyMs)
      }
      return (await Promise.all(sending)).sort((a, b) => a - b)
    },
    /** Milliseconds of a registration. */
    async register(): Promise<number> {
      const startedAt = performance.now()
      await device.register(topic)
      return performance.now() - startedAt
    },
    async close() {
      edge.close()
      await device.close()
    },
  }
}

export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0
}
