import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
} from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type CanaryIdentities,
  type CanaryIdentity,
  enrollCanary,
  parseCanaryRequest,
  prepareCanary,
} from '../src/canary/enrollment.ts'
import { type CanaryStep, runCanary } from '../src/canary/run-canary.ts'
import { issueAuthority } from '../src/trust/certificate.ts'
import { fingerprintOf } from '../src/trust/provider-trust.ts'

const start = Date.parse('2027-01-01T00:00:00.250Z')
const uniqueId = '019b5fa0-0000-7000-8000-000000000000'

/** A way on which each step takes ten milliseconds; `broken` steps fail, and the answer may be another. */
class Way {
  now = start
  readonly steps: string[] = []
  answer: { status: number; uniqueId?: string; reason?: string } = { status: 200, uniqueId }
  sent: object | undefined
  readonly broken: CanaryStep | undefined

  constructor(broken?: CanaryStep) {
    this.broken = broken
  }

  async #take<Result>(step: CanaryStep, result: Result): Promise<Result> {
    this.steps.push(step)
    this.now += 10
    if (this.broken === step) throw new Error(`${step} is broken`)
    return result
  }

  run() {
    return runCanary({
      clock: { now: () => this.now },
      device: {
        connect: () => this.#take('connect', undefined),
        register: (topic) => this.#take('register', `token of ${topic}`),
        hear: async (id) => {
          await this.#take('hear', undefined)
          expect(id).toBe(uniqueId)
          return this.now
        },
        close: async () => void this.steps.push('device closed'),
      },
      provider: {
        connect: () => this.#take('reach', undefined),
        send: async (notification) => {
          this.sent = notification
          return this.#take('send', this.answer)
        },
        close: () => void this.steps.push('provider closed'),
      },
    })
  }
}

const closed = ['provider closed', 'device closed']
const steps = ['connect', 'register', 'reach', 'send', 'hear'] as const

describe('a run of the canary', () => {
  test('measures from the request to the answer, and to the device', async () => {
    const way = new Way()
    expect(await way.run()).toEqual({ heard: true, uniqueId, acceptanceMs: 10, deviceMs: 20 })
    expect(way.steps).toEqual([...steps, ...closed])
  })

  test('sends to its own token and topic, for a minute', async () => {
    const way = new Way()
    await way.run()
    expect(way.sent).toEqual({
      token: 'token of heliograph.canary',
      topic: 'heliograph.canary',
      expiration: start / 1000 - 0.25 + 60,
    })
  })

  test.each(steps)('that ends at %s says so, and leaves nothing open', async (step) => {
    const way = new Way(step)
    const report = await way.run()
    expect(report).toMatchObject({ heard: false, step, detail: `${step} is broken` })
    expect(way.steps).toEqual([...steps.slice(0, steps.indexOf(step) + 1), ...closed])
    // what was accepted is found in the log of deliver
    expect('uniqueId' in report).toBe(step === 'hear')
    expect('acceptanceMs' in report).toBe(step === 'hear')
  })

  test.each([
    [{ status: 410, reason: 'Unregistered' }, 'the answer was 410: Unregistered'],
    [{ status: 502 }, 'the answer was 502: no reason given'],
    [{ status: 200 }, 'the answer was 200 without an apns-unique-id'],
  ])('that is answered %j is not heard', async (answer, detail) => {
    const way = new Way()
    way.answer = answer
    expect(await way.run()).toEqual({ heard: false, step: 'send', detail })
    expect(way.steps).not.toContain('hear')
  })
})

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** A certificate for the public key, signed by its own private key. */
function certificateFor(privateKey: string): Promise<string> {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const validity = { notBefore: new Date(start), notAfter: new Date(start + 86_400_000) }
  return issueAuthority('test', publicKey, validity, new Uint8Array(16).fill(1), {
    algorithm: 'ECDSA-P256',
    sign: async (message) => sign('sha256', message, createPrivateKey(privateKey)),
  })
}

describe('an enrollment', () => {
  const kept: { identity?: CanaryIdentity; next?: string } = {}
  const keys: string[] = []
  let activated: string[]
  const identities: CanaryIdentities = {
    find: async () => kept.identity,
    keep: async (identity) => void Object.assign(kept, { identity }),
    findNext: async () => kept.next,
    keepNext: async (next) => void Object.assign(kept, { next }),
  }
  const ports = {
    identities,
    makeKey: async () => {
      keys.push(newKey())
      return keys.at(-1) ?? ''
    },
    activate: async (code: string) => {
      activated.push(code)
      return { deviceId: `device of ${code}`, device: 'kept by the device' }
    },
  }
  const enroll = (certificate: string, activationCode = 'code') =>
    enrollCanary({ ask: 'enroll', certificate, activationCode }, ports)

  beforeEach(() => {
    delete kept.identity
    delete kept.next
    activated = []
  })

  test('begins with a key, of which the public half leaves', async () => {
    const { publicKey } = await prepareCanary(ports)
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----/)
    expect(createPublicKey(keys.at(-1) ?? '').export({ type: 'spki', format: 'pem' })).toBe(
      publicKey,
    )
    expect(kept.next).toBe(keys.at(-1))
    expect(kept.identity).toBeUndefined()
  })

  test('makes the canary a provider and a device', async () => {
    await prepareCanary(ports)
    const certificate = await certificateFor(kept.next ?? '')
    expect(await enroll(certificate)).toEqual({
      deviceId: 'device of code',
      fingerprint: fingerprintOf(new X509Certificate(certificate)),
    })
    expect(kept.identity).toEqual({
      ...{ privateKey: kept.next, certificate },
      ...{ deviceId: 'device of code', device: 'kept by the device' },
    })
  })

  test('tells who the canary was before', async () => {
    await prepareCanary(ports)
    const certificate = await certificateFor(kept.next ?? '')
    const { deviceId, fingerprint } = await enroll(certificate)
    await prepareCanary(ports)
    const next = await enroll(await certificateFor(kept.next ?? ''), 'another')
    expect(next.replaced).toEqual({ deviceId, fingerprint })
  })

  test('with a certificate for another key changes nothing, and uses up no code', async () => {
    await prepareCanary(ports)
    await expect(enroll(await certificateFor(newKey()))).rejects.toThrow('not for the key')
    expect(kept.identity).toBeUndefined()
    expect(activated).toEqual([])
  })

  test('without a key is refused', async () => {
    await expect(enroll(await certificateFor(newKey()))).rejects.toThrow('prepare it first')
  })

  test('whose activation fails leaves the canary who it was', async () => {
    await prepareCanary(ports)
    await enroll(await certificateFor(kept.next ?? ''))
    const before = kept.identity
    await prepareCanary(ports)
    const failing = { ...ports, activate: () => Promise.reject(new Error('used')) }
    const certificate = await certificateFor(kept.next ?? '')
    const request = { ask: 'enroll', certificate, activationCode: 'code' } as const
    await expect(enrollCanary(request, failing)).rejects.toThrow('used')
    expect(kept.identity).toBe(before)
  })
})

describe('what is asked of the canary', () => {
  test.each([
    [{ 'detail-type': 'Scheduled Event', detail: {} }, undefined],
    [undefined, undefined],
    [null, undefined],
    [{ ask: 'something else' }, undefined],
    [{ ask: 'prepare', more: 1 }, { ask: 'prepare' }],
    [
      { ask: 'enroll', certificate: 'c', activationCode: 'a', more: 1 },
      { ask: 'enroll', certificate: 'c', activationCode: 'a' },
    ],
  ])('%j', (event, request) => {
    expect(parseCanaryRequest(event)).toEqual(request)
  })

  test('an enrollment that lacks something is refused', () => {
    expect(() => parseCanaryRequest({ ask: 'enroll', certificate: 'c' })).toThrow('activation code')
    expect(() => parseCanaryRequest({ ask: 'enroll', activationCode: 1 })).toThrow('certificate')
  })
})
