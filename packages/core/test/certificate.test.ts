import 'reflect-metadata'
import { generateKeyPairSync, type KeyObject, sign, webcrypto, X509Certificate } from 'node:crypto'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import * as x509 from '@peculiar/x509'
import { describe, expect, it } from 'vitest'
import type { SigningKey } from '../src/ports.ts'
import {
  issueAuthority,
  issueDeviceCertificate,
  issueServerCertificate,
  readCertificateRequest,
} from '../src/trust/certificate.ts'

const pairs = {
  'ECDSA-P256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'RSA-2048': generateKeyPairSync('rsa', { modulusLength: 2048 }),
}
const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }))
const keyOf = (algorithm: SigningKey['algorithm']): SigningKey => ({
  algorithm,
  sign: async (message) =>
    new Uint8Array(sign('sha256', message, pairs[algorithm].privateKey as KeyObject)),
})

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2036-01-01') }
const deviceId = '0123456789abcdef' as DeviceId
const device = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const authorityOf = (algorithm: SigningKey['algorithm']) =>
  issueAuthority(
    'Test CA',
    spkiOf(pairs[algorithm].publicKey as KeyObject),
    validity,
    Uint8Array.of(0x4a, ...Array<number>(15).fill(1)),
    keyOf(algorithm),
  )

async function issue(notAfter: Date, algorithm: SigningKey['algorithm'] = 'ECDSA-P256') {
  const authority = await authorityOf(algorithm)
  const certificate = await issueDeviceCertificate(
    { deviceId, publicKey: spkiOf(device.publicKey) },
    { notBefore: new Date('2026-02-03T04:05:06Z'), notAfter },
    Uint8Array.of(0x4b, ...Array<number>(15).fill(2)),
    { certificate: authority, key: keyOf(algorithm) },
  )
  return { authority, certificate }
}

/** The extensions that matter to whoever verifies, with whether they are critical. */
function extensionsOf(pem: string) {
  const certificate = new x509.X509Certificate(pem)
  const constraints = certificate.getExtension(x509.BasicConstraintsExtension)
  const usages = certificate.getExtension(x509.KeyUsagesExtension)
  return {
    ca: constraints?.ca,
    pathLength: constraints?.pathLength,
    usages: usages?.usages,
    extended: certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages,
    critical: certificate.extensions.filter((one) => one.critical).map(({ type }) => type),
  }
}

const timesOf = ({ validFrom, validTo }: X509Certificate) => ({
  notBefore: new Date(validFrom),
  notAfter: new Date(validTo),
})

const keyIdOf = (pem: string) =>
  new x509.X509Certificate(pem).getExtension(x509.SubjectKeyIdentifierExtension)?.keyId
const issuerIdOf = (pem: string) =>
  new x509.X509Certificate(pem).getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId

const [basicConstraints, keyUsage] = ['2.5.29.19', '2.5.29.15']

describe.each(['ECDSA-P256', 'RSA-2048'] as const)('an authority with a key of %s', (algorithm) => {
  it('signs itself, and may sign devices and lists but no other authority', async () => {
    const pem = await authorityOf(algorithm)
    const authority = new X509Certificate(pem)
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n[\w+/=\n]+\n-----END CERTIFICATE-----\n$/)
    expect(authority.subject).toBe('CN=Test CA\nO=Heliograph')
    expect(authority.issuer).toBe(authority.subject)
    expect(authority.verify(pairs[algorithm].publicKey as KeyObject)).toBe(true)
    expect(authority.serialNumber).toBe(`4A${'01'.repeat(15)}`)
    expect(timesOf(authority)).toEqual(validity)
    expect(extensionsOf(pem)).toEqual({
      ...{ ca: true, pathLength: 0, extended: undefined },
      usages: x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
      critical: [basicConstraints, keyUsage],
    })
    expect(keyIdOf(pem)).toMatch(/^[0-9a-f]{40}$/)
    expect(issuerIdOf(pem)).toBe(keyIdOf(pem))
  })

  it('gives a device a certificate for its own key, for clients of TLS only', async () => {
    const { authority, certificate } = await issue(new Date('2027-01-01'), algorithm)
    const read = new X509Certificate(certificate)
    expect(read.subject).toBe(`CN=${deviceId}`)
    expect(read.serialNumber).toBe(`4B${'02'.repeat(15)}`)
    expect(read.publicKey.equals(device.publicKey)).toBe(true)
    expect(read.checkIssued(new X509Certificate(authority))).toBe(true)
    expect(read.verify(pairs[algorithm].publicKey as KeyObject)).toBe(true)
    expect(extensionsOf(certificate)).toEqual({
      ...{ ca: false, pathLength: undefined, extended: ['1.3.6.1.5.5.7.3.2'] },
      usages: x509.KeyUsageFlags.digitalSignature,
      critical: [basicConstraints, keyUsage],
    })
    expect(issuerIdOf(certificate)).toBe(keyIdOf(authority))
    expect(keyIdOf(certificate)).not.toBe(keyIdOf(authority))
  })
})

it('a server gets a certificate for its names and addresses, for servers of TLS only', async () => {
  const authority = await authorityOf('ECDSA-P256')
  const certificate = await issueServerCertificate(
    { names: ['push.example.com', '10.0.0.1', '::1'], publicKey: spkiOf(device.publicKey) },
    { notBefore: new Date('2026-02-03T04:05:06Z'), notAfter: new Date('2040-01-01') },
    Uint8Array.of(0x4c, ...Array<number>(15).fill(3)),
    { certificate: authority, key: keyOf('ECDSA-P256') },
  )
  const read = new X509Certificate(certificate)
  expect(read.subject).toBe('CN=Heliograph server')
  expect(read.subjectAltName).toBe(
    'DNS:push.example.com, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  )
  expect(read.serialNumber).toBe(`4C${'03'.repeat(15)}`)
  expect(read.publicKey.equals(device.publicKey)).toBe(true)
  expect(read.verify(pairs['ECDSA-P256'].publicKey as KeyObject)).toBe(true)
  expect(timesOf(read)).toEqual({
    notBefore: new Date('2026-02-03T04:05:06Z'),
    notAfter: validity.notAfter,
  })
  expect(extensionsOf(certificate)).toEqual({
    ...{ ca: false, pathLength: undefined, extended: ['1.3.6.1.5.5.7.3.1'] },
    usages: x509.KeyUsageFlags.digitalSignature,
    critical: [basicConstraints, keyUsage],
  })
})

describe('the time of a device’s certificate', () => {
  it.each([
    ['as asked for', '2027-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['that of its CA, where more was asked for', '2040-01-01T00:00:00Z', '2036-01-01T00:00:00Z'],
  ])('is %s', async (_what, asked, given) => {
    const read = new X509Certificate((await issue(new Date(asked))).certificate)
    expect(timesOf(read)).toEqual({
      notBefore: new Date('2026-02-03T04:05:06Z'),
      notAfter: new Date(given),
    })
  })
})

it('what the CA key gives instead of a signature makes no certificate', async () => {
  const key: SigningKey = { algorithm: 'ECDSA-P256', sign: async () => Uint8Array.of(1, 2, 3) }
  const publicKey = spkiOf(pairs['ECDSA-P256'].publicKey)
  await expect(
    issueAuthority('Test CA', publicKey, validity, Uint8Array.of(1), key),
  ).rejects.toThrow()
})

describe('a request for a certificate', () => {
  /** Made and signed by the key itself, as devices do. */
  async function requestOf(algorithm: object) {
    const keys = (await webcrypto.subtle.generateKey(algorithm as webcrypto.EcKeyGenParams, true, [
      'sign',
      'verify',
    ])) as webcrypto.CryptoKeyPair
    const made = await x509.Pkcs10CertificateRequestGenerator.create({
      keys,
      name: 'CN=anything',
      signingAlgorithm: { ...algorithm, hash: 'SHA-256' },
    })
    const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey))
    return { pem: made.toString('pem'), spki }
  }
  const rsa = (modulusLength: number) => ({
    ...{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength },
    publicExponent: Uint8Array.of(1, 0, 1),
  })

  it.each([
    ['EC P-256', { name: 'ECDSA', namedCurve: 'P-256' }],
    ['EC P-384', { name: 'ECDSA', namedCurve: 'P-384' }],
    ['RSA of 2048 bits', rsa(2048)],
  ])('may be for a key of %s, which is all that is taken from it', async (_what, algorithm) => {
    const { pem, spki } = await requestOf(algorithm)
    const hash = Buffer.from(await webcrypto.subtle.digest('SHA-256', spki)).toString('hex')
    expect(await readCertificateRequest(pem)).toEqual({ publicKey: spki, keyHash: hash })
  })

  it('may not be for a key that is one bit too short', async () => {
    const { pem } = await requestOf(rsa(2047))
    expect(await readCertificateRequest(pem)).toEqual({
      fault: expect.stringContaining('RSA of 2048 to 4096 bits'),
    })
  })

  it('may be in the frame that old tools write', async () => {
    const { pem } = await requestOf({ name: 'ECDSA', namedCurve: 'P-256' })
    const old = pem.replaceAll('CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST')
    expect(await readCertificateRequest(old)).toEqual(await readCertificateRequest(pem))
  })

  it('is read up to 16 kB, and in its frame only', async () => {
    const { pem } = await requestOf({ name: 'ECDSA', namedCurve: 'P-256' })
    expect(await readCertificateRequest(pem.padEnd(16_384, '\n'))).toHaveProperty('keyHash')
    expect(await readCertificateRequest(pem.padEnd(16_385, '\n'))).toEqual({
      fault: expect.stringContaining('at most 16 kB'),
    })
    const bare = pem.replace(/-----[^-]+-----/g, '')
    expect(await readCertificateRequest(bare)).toEqual({
      fault: expect.stringContaining('PKCS#10'),
    })
  })
})
