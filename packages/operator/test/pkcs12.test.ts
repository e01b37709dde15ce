import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tls from 'node:tls'
import type { Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makePkcs12 } from '../src/x509/pkcs12.ts'
import { issueProviderCertificate } from '../src/x509/provider-certificate.ts'
import { DAY_MS, hasTool, scratchFolder, testAuthority, tool } from './support.ts'

const folder = scratchFolder()
afterAll(() => folder.remove())

const passphrase = 'correct horse, "battery" & staple$'
const file = join(folder.path, 'app.p12')
const passphraseFile = join(folder.path, 'app.passphrase')
let p12: Buffer
let certificate: string
let keyPem: string

beforeAll(async () => {
  const authority = await testAuthority()
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  certificate = await issueProviderCertificate(
    {
      topics: ['com.example.app' as Topic],
      publicKey: pair.publicKey.export({ type: 'spki', format: 'der' }),
    },
    { notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + DAY_MS) },
    randomBytes(16),
    authority,
  )
  keyPem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const certificates = [certificate, authority.certificate]
  p12 = makePkcs12({ key: keyPem, certificates, friendlyName: 'com.example.app' }, passphrase)
  writeFileSync(file, p12)
  writeFileSync(passphraseFile, `${passphrase}\n`)
})

describe('a PKCS#12 file', () => {
  it('opens in Node, as node-apn does it, and holds a key that fits the certificate', () => {
    expect(() => tls.createSecureContext({ pfx: p12, passphrase })).not.toThrow()
  })

  it.each(['', 'wrong', `${passphrase} `])('does not open with %j', (wrong) => {
    expect(() => tls.createSecureContext({ pfx: p12, passphrase: wrong })).toThrow(/mac verify/)
  })

  it('shows in every byte whether it was changed', () => {
    for (const at of [60, Math.floor(p12.length / 2), p12.length - 60]) {
      const changed = Buffer.from(p12)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(() => tls.createSecureContext({ pfx: changed, passphrase })).toThrow()
    }
  })
})

describe.runIf(hasTool('openssl', ['version']))('OpenSSL', () => {
  const open = (...more: string[]) =>
    tool('openssl', ['pkcs12', '-in', file, '-passin', `file:${passphraseFile}`, ...more])

  it('opens it without its legacy provider, and finds modern algorithms only', () => {
    // without the key and the certificates themselves: base64 may spell anything
    const info = open('-info', '-noout')
    expect(info?.ok).toBe(true)
    expect(info?.output).toContain('MAC: sha256')
    expect(info?.output).toContain('PBES2, PBKDF2, AES-256-CBC')
    expect(info?.output).toContain('PRF hmacWithSHA256')
    expect(info?.output).not.toMatch(/RC2|3DES|sha1/i)
  })

  it('finds the key, the certificate that belongs to it first, and the CA', () => {
    const output = open('-noenc')?.output ?? ''
    const certificates = output.match(
      /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g,
    )
    expect(certificates).toHaveLength(2)
    expect(certificates?.[0]).toBe(certificate)
    expect(output).toContain(keyPem.split('\n')[1])
    expect(output).toContain('friendlyName: com.example.app')
  })
})

describe.runIf(hasTool('keytool', ['-help']))('Java keytool', { timeout: 30_000 }, () => {
  it('opens it and builds the chain', () => {
    const args = ['-list', '-v', '-keystore', file, '-storetype', 'PKCS12']
    const listed = tool('keytool', [...args, '-storepass:file', passphraseFile])
    expect(listed?.ok).toBe(true)
    expect(listed?.output).toContain('Alias name: com.example.app')
    expect(listed?.output).toContain('Entry type: PrivateKeyEntry')
    expect(listed?.output).toContain('Certificate chain length: 2')
  })
})
