import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SigningKey } from '../src/ports.ts'
import {
  issueAuthority,
  issueDeviceCertificate,
  readCertificateRequest,
} from '../src/trust/certificate.ts'

interface Vectors {
  readonly valid: readonly { case: string; csr: string }[]
  readonly invalid: readonly { breaks: string; case: string; csr: string; padTo?: number }[]
}

const file = new URL('../../../test/vectors/certificate-requests.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors

const faults: Readonly<Record<string, string>> = {
  key: 'the key must be EC P-256 or P-384, or RSA of 2048 to 4096 bits',
  signature: 'the signature of the csr does not match its key',
  PEM: 'csr is not a PKCS#10 certificate request in PEM',
  size: 'csr must be a PEM text of at most 16 kB',
}

describe('certificate request vectors', () => {
  it.each(vectors.valid)('takes $case', async ({ csr }) => {
    const request = await readCertificateRequest(csr)
    expect(request).toMatchObject({ keyHash: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  it.each(vectors.invalid)('$breaks broken: refuses $case', async ({ breaks, csr, padTo }) => {
    const text = padTo === undefined ? csr : csr.repeat(Math.ceil(padTo / csr.length))
    expect(await readCertificateRequest(text)).toEqual({ fault: faults[breaks] })
  })

  it.each([undefined, null, 7, {}, ['csr']])('refuses %j, which is not a text', async (csr) => {
    expect(await readCertificateRequest(csr)).toEqual({ fault: faults.size })
  })
})

describe('any text instead of a request', () => {
  const frame = (bytes: Uint8Array) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(bytes).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`

  it('is refused, never an exception', async () => {
    const texts = fc.oneof(fc.string(), fc.uint8Array({ maxLength: 300 }).map(frame))
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(await readCertificateRequest(text)).toHaveProperty('fault')
      }),
      { numRuns: 300 },
    )
  })

  it('with one byte changed is refused, or is for the same key', async () => {
    const good = vectors.valid[0]?.csr ?? ''
    const der = Buffer.from(good.replace(/-----[^-]+-----/g, ''), 'base64')
    const expected = await readCertificateRequest(good)
    const change = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(change, async ([at, by]) => {
        const changed = Buffer.from(der)
        changed.writeUInt8(changed.readUInt8(at) ^ by, at)
        const read = await readCertificateRequest(frame(changed))
        if (!('fault' in read)) expect(read).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })
})

describe('the device certificate for a request', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key: SigningKey = {
    algorithm: 'ECDSA-P256',
    sign: async (message) => new Uint8Array(sign('sha256', message, pair.privateKey)),
  }
  const validity = {
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-01-01T00:00:00Z'),
  }
  const deviceId = '0123456789abcdef' as DeviceId

  async function issue(csr: string) {
    const spki = pair.publicKey.export({ type: 'spki', format: 'der' })
    const authority = await issueAuthority(
      'Test device CA',
      spki,
      validity,
      Buffer.alloc(16, 1),
      key,
    )
    const request = await readCertificateRequest(csr)
    if ('fault' in request) throw new Error(request.fault)
    const certificate = await issueDeviceCertificate(
      { deviceId, publicKey: request.publicKey },
      validity,
      Buffer.alloc(16, 2),
      { certificate: authority, key },
    )
    return {
      authority: new X509Certificate(authority),
      certificate: new X509Certificate(certificate),
    }
  }

  it.each(vectors.valid)('takes over nothing but the key of: $case', async ({ csr }) => {
    const { certificate, authority } = await issue(csr)
    expect(certificate.subject).toBe(`CN=${deviceId}`)
    expect(certificate.ca).toBe(false)
    expect(certificate.subjectAltName).toBeUndefined()
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(certificate.checkIssued(authority)).toBe(true)
    expect(certificate.verify(pair.publicKey)).toBe(true)
  })

  it('does not outlive its CA', async () => {
    const { certificate, authority } = await issue(vectors.valid[0]?.csr ?? '')
    expect(Date.parse(certificate.validTo)).toBeLessThanOrEqual(Date.parse(authority.validTo))
  })
})
