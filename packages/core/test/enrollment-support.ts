import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { MemoryDeviceRegistry } from '../../../test/contract/memory-device-registry.ts'
import { MemoryActivations, MemoryDevices } from '../../../test/contract/memory-devices.ts'
import { now, SetClock, seqAt } from '../../../test/contract/samples.ts'
import type { ActivatePorts } from '../src/devices/activate.ts'
import { hashActivationCode } from '../src/devices/activation-code.ts'
import type { RenewPorts } from '../src/devices/renew.ts'
import type { DeviceCertificate, SigningKey, Told } from '../src/ports.ts'
import { issueAuthority, readCertificateRequest } from '../src/trust/certificate.ts'

const DAY_MS = 24 * 3600_000
const file = new URL('../../../test/vectors/certificate-requests.json', import.meta.url)
const { valid } = JSON.parse(readFileSync(file, 'utf8')) as { valid: { csr: string }[] }

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signingKey: SigningKey = {
  algorithm: 'ECDSA-P256',
  sign: async (message) => new Uint8Array(sign('sha256', message, pair.privateKey)),
}
const validity = { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + 3650 * DAY_MS) }
const spki = pair.publicKey.export({ type: 'spki', format: 'der' })
const authority = await issueAuthority('Test CA', spki, validity, Buffer.alloc(16, 1), signingKey)

/** Certificate requests of as many keys as differ among the vectors. */
export const requests = await differing()

async function differing(): Promise<readonly { csr: string; keyHash: string }[]> {
  const found = new Map<string, string>()
  for (const { csr } of valid) {
    const read = await readCertificateRequest(csr)
    if (!('fault' in read) && !found.has(read.keyHash)) found.set(read.keyHash, csr)
  }
  return [...found].map(([keyHash, csr]) => ({ keyHash, csr }))
}

export const activationCode = 'a code of the operator'

/** The ports of activate and renew in memory, and what the rules did with them. */
export class Enrollment {
  readonly clock = new SetClock()
  readonly devices = new MemoryDevices()
  readonly activations = new MemoryActivations()
  readonly told: { deviceId: DeviceId; topic: string; message: Record<string, unknown> }[] = []
  readonly iot = new MemoryDeviceRegistry()
  /** What IoT Core was asked, in order: `admit <id of the certificate>`, `retire <id>`. */
  readonly registry: string[] = []
  /** Seconds that the line for certificates takes. */
  wait = 0
  hasAuthority = true
  /** How often the CA's key has signed. */
  signatures = 0
  /** What comes of what a device is told. */
  answer: Told = 'told'
  /** Happens while IoT Core is asked to admit a certificate. */
  duringAdmit: () => void = () => {}
  #made = 0

  readonly ports: ActivatePorts & RenewPorts = {
    clock: this.clock,
    ids: {
      uuid: () => '',
      seq: seqAt,
      bytes: (length) => {
        this.#made += 1
        return new Uint8Array(length).fill(this.#made)
      },
    },
    authorities: {
      find: async (name) =>
        this.hasAuthority && name === 'device'
          ? { name, certificate: authority, keyArn: '' }
          : undefined,
    },
    signingKey: {
      ...signingKey,
      sign: (message) => {
        this.signatures += 1
        return signingKey.sign(message)
      },
    },
    registry: {
      admit: async (deviceId, pem) => {
        this.registry.push(`admit ${idOf(pem)}`)
        this.duringAdmit()
        await this.iot.admit(deviceId, pem)
      },
      retire: async (deviceId, id) => {
        this.registry.push(`retire ${id}`)
        await this.iot.retire(deviceId, id)
      },
    },
    devices: this.devices,
    certificateDays: 365,
    activations: this.activations,
    pace: { take: async () => this.wait },
    connections: {
      send: async () => 'acknowledged',
      tell: async (deviceId, topic, text) => {
        this.told.push({ deviceId, topic, message: JSON.parse(text) })
        return this.answer
      },
    },
  }

  invite(expiresAt = now + 1_000, reusable = false): void {
    this.activations.invite(hashActivationCode(activationCode), expiresAt, reusable)
  }
}

/** SHA-256 of the DER, by another way than the rules'. */
export function idOf(pem: string): string {
  const der = Buffer.from(
    pem
      .split('\n')
      .filter((line) => !line.startsWith('-'))
      .join(''),
    'base64',
  )
  return createHash('sha256').update(der).digest('hex')
}

export function certificate(name: string, keyHash = `key of ${name}`): DeviceCertificate {
  const pem = `PEM of ${name}`
  return { certificateId: name, keyHash, certificate: pem, notAfter: now, admitted: true }
}
