import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readProviderCertificate } from '@heliograph/core/trust/provider-trust'
import type { RevokedCertificate } from '@heliograph/core/trust/revocation-list'
import type { Topic } from '@heliograph/protocol/identifiers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyIdentifierOf } from '../src/x509/provider-authority.ts'
import { issueProviderCertificate } from '../src/x509/provider-certificate.ts'
import { issueRevocationList } from '../src/x509/revocation-list.ts'
import {
  DAY_MS,
  hasTool,
  scratchFolder,
  type TestAuthority,
  testAuthority,
  tool,
} from './support.ts'

const folder = scratchFolder()
afterAll(() => folder.remove())

const now = Date.now()
const validity = { notBefore: new Date(now - 1000), notAfter: new Date(now + 398 * DAY_MS) }
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const spki = publicKey.export({ type: 'spki', format: 'der' })
const app = 'com.example.app' as Topic
const topics: [Topic, ...Topic[]] = [
  app,
  'com.example.app.voip' as Topic,
  'com.example.app.complication' as Topic,
  'com.example.app.push-type.liveactivity' as Topic,
]

let authority: TestAuthority
let pem: string

beforeAll(async () => {
  authority = await testAuthority()
  pem = await issue(topics)
  writeFileSync(join(folder.path, 'ca.pem'), authority.certificate)
  writeFileSync(join(folder.path, 'app.pem'), pem)
})

const issue = (named: readonly [Topic, ...Topic[]], serial: Uint8Array = randomBytes(16)) =>
  issueProviderCertificate({ topics: named, publicKey: spki }, validity, serial, authority)

const read = (certificate: string) =>
  readProviderCertificate(certificate, new X509Certificate(authority.certificate))

describe('a provider certificate', () => {
  it('is what accept reads: this CA, these topics, in this order', () => {
    expect(read(pem)).toMatchObject({ issued: true, topics })
  })

  it('has the UID as first RDN, where dotAPNS looks for it', () => {
    expect(new X509Certificate(pem).subject).toBe(`UID=${app}\nCN=Apple Push Services: ${app}`)
  })

  it('is for client authentication and signs nothing', () => {
    const certificate = new X509Certificate(pem)
    expect(certificate.ca).toBe(false)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  })

  it('keeps to the limit of a common name, and the whole topic in the UID', async () => {
    const long = `com.${'example'.repeat(20)}.app` as Topic
    const certificate = await issue([long])
    const { subject } = new X509Certificate(certificate)
    expect(subject).toContain(`UID=${long}\n`)
    expect(subject.split('CN=')[1]).toHaveLength(64)
    expect(read(certificate)).toMatchObject({ topics: [long] })
  })

  it('carries a positive serial number of full length, whatever the random bytes', async () => {
    for (const serial of [Buffer.alloc(16), Buffer.alloc(16, 0xff)]) {
      const { serialNumber } = new X509Certificate(await issue([app], serial))
      expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
    }
  })

  it('comes back with every topic it was made for', async () => {
    const bundleId = fc.stringMatching(/^[a-z]{1,12}(\.[a-z0-9-]{1,12}){0,3}$/)
    const lists = fc.uniqueArray(bundleId, { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(lists, async (list) => {
        fc.pre(list.every((topic) => !topic.endsWith('-.') && !topic.endsWith('.')))
        const named = list as unknown as [Topic, ...Topic[]]
        expect(read(await issue(named))).toMatchObject({ issued: true, topics: named })
      }),
      { numRuns: 20 },
    )
  })
})

describe.runIf(hasTool('openssl', ['version']))('OpenSSL', () => {
  const openssl = (...args: string[]) => {
    const paths = args.map((one) => (/\.(pem|crl)$/.test(one) ? join(folder.path, one) : one))
    return tool('openssl', paths) ?? { ok: false, output: 'no openssl' }
  }

  it('verifies the certificate for a TLS client, strictly', () => {
    const args = ['-x509_strict', '-purpose', 'sslclient', '-CAfile', 'ca.pem', 'app.pem']
    expect(openssl('verify', ...args)).toEqual({ ok: true, output: expect.stringContaining('OK') })
  })

  it('does not take it for a server', () => {
    const args = ['-purpose', 'sslserver', '-CAfile', 'ca.pem', 'app.pem']
    expect(openssl('verify', ...args).ok).toBe(false)
  })

  it("sees Apple's extensions and the string types of the name", () => {
    const { output } = openssl(
      'x509',
      '-in',
      'app.pem',
      '-noout',
      '-text',
      '-nameopt',
      'multiline,show_type',
    )
    expect(output).toMatch(/userId\s+= UTF8STRING:com\.example\.app\n/)
    for (const last of [1, 2, 6]) expect(output).toContain(`1.2.840.113635.100.6.3.${last}:`)
    for (const kind of ['app', 'voip', 'complication', 'liveactivity'])
      expect(output).toContain(kind)
  })

  it("finds the CA's own key identifier", () => {
    const certificate = new X509Certificate(authority.certificate)
    const hex = keyIdentifierOf(certificate).toString('hex').toUpperCase().match(/../g)?.join(':')
    const own = openssl('x509', '-in', 'ca.pem', '-noout', '-ext', 'subjectKeyIdentifier')
    expect(own.output).toContain(hex)
  })

  async function writeList(revoked: readonly RevokedCertificate[], file: string): Promise<void> {
    const period = { thisUpdate: new Date(now - 1000), nextUpdate: new Date(now + 7 * DAY_MS) }
    writeFileSync(join(folder.path, file), await issueRevocationList(revoked, period, authority))
  }

  const serialOf = (certificate: string) =>
    new X509Certificate(certificate).serialNumber.toLowerCase()

  it('verifies an empty revocation list, under which the certificate is good', async () => {
    await writeList([], 'empty.crl')
    expect(openssl('crl', '-in', 'empty.crl', '-CAfile', 'ca.pem', '-noout').output).toContain(
      'verify OK',
    )
    const args = ['-crl_check', '-CAfile', 'ca.pem', '-CRLfile', 'empty.crl', 'app.pem']
    expect(openssl('verify', ...args).ok).toBe(true)
  })

  it('refuses the certificate under a list that names it, with time and reason', async () => {
    const revokedAt = Date.parse('2026-05-04T03:02:01Z')
    await writeList([{ serial: serialOf(pem), revokedAt, reason: 'keyCompromise' }], 'full.crl')
    const args = ['-crl_check', '-CAfile', 'ca.pem', '-CRLfile', 'full.crl', 'app.pem']
    expect(openssl('verify', ...args)).toEqual({
      ok: false,
      output: expect.stringContaining('certificate revoked'),
    })
    const { output } = openssl('crl', '-in', 'full.crl', '-CAfile', 'ca.pem', '-noout', '-text')
    expect(output).toContain('verify OK')
    expect(output).toContain('Version 2')
    expect(output).toContain('May  4 03:02:01 2026 GMT')
    expect(output).toContain('Key Compromise')
    expect(output).toContain('X509v3 CRL Number')
  })

  it('reads serial numbers with a leading high bit, and years after 2049', async () => {
    const period = {
      thisUpdate: new Date('2050-01-01T00:00:00Z'),
      nextUpdate: new Date('2050-02-01T00:00:00Z'),
    }
    const entry = {
      serial: 'ff01',
      revokedAt: period.thisUpdate.getTime(),
      reason: 'unspecified',
    } as const
    writeFileSync(
      join(folder.path, 'far.crl'),
      await issueRevocationList([entry], period, authority),
    )
    const { output } = openssl('crl', '-in', 'far.crl', '-CAfile', 'ca.pem', '-noout', '-text')
    expect(output).toContain('verify OK')
    expect(output).toContain('Serial Number: FF01')
    expect(output).toContain('Last Update: Jan  1 00:00:00 2050 GMT')
    expect(output).not.toContain('Reason Code')
  })
})
