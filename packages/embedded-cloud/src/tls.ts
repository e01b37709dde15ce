import 'reflect-metadata'
import {
  X509Certificate as Certificate,
  createPrivateKey,
  randomBytes,
  webcrypto,
} from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { ServerTls } from './types.ts'

/** The certificate of this machine and the file that holds the CA every client must trust. */
export interface LocalTls extends ServerTls {
  /** Path of the CA certificate (PEM), for `NODE_EXTRA_CA_CERTS`, `--cacert` and the like. */
  readonly caFile: string
}

const DAY_MS = 86_400_000
const CA_DAYS = 3650
/** The longest that browsers and Apple's clients accept is 398 days. */
const SERVER_DAYS = 397
const RENEW_BEFORE_DAYS = 30
const OWN_NAMES = ['localhost', '127.0.0.1', '::1']
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const

export interface Pair {
  readonly cert: string
  readonly key: string
}

/**
 * Loads the embedded cloud's CA and server certificate from `dir`, and makes what is missing. The CA
 * is made once, so that clients may keep it; the server certificate is made again when it has less
 * than 30 days left or lacks one of `names` (host names or IP addresses beyond this machine's own).
 * @throws when a file is damaged, with a sentence that names it.
 */
export async function loadTls(
  dir: string,
  names: readonly string[],
  now: Date = new Date(),
): Promise<LocalTls> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const caFile = join(dir, 'ca.pem')
  const ca = await loadAuthority(caFile, join(dir, 'ca-key.pem'), now)
  const wanted = [...new Set([...OWN_NAMES, ...names])]
  const server = await loadServer(join(dir, 'server.pem'), join(dir, 'server-key.pem'), {
    ca,
    names: wanted,
    now,
  })
  return { ...server, ca: ca.cert, caFile }
}

async function loadAuthority(certFile: string, keyFile: string, now: Date): Promise<Pair> {
  const cert = readIfThere(certFile)
  if (cert === undefined) return savePair(certFile, keyFile, await makeAuthority(now))
  const key = readIfThere(keyFile)
  if (key === undefined || !belong(cert, key)) {
    throw new Error(
      `${keyFile} is missing or does not belong to ${certFile}; restore it, or delete both for a new CA (clients must then trust the new one).`,
    )
  }
  if (endsWithin(cert, now, RENEW_BEFORE_DAYS)) {
    throw new Error(
      `The local CA ${certFile} has expired or soon will; delete it and ${keyFile} for a new one.`,
    )
  }
  return { cert, key }
}

interface ServerWish {
  readonly ca: Pair
  readonly names: readonly string[]
  readonly now: Date
}

async function loadServer(certFile: string, keyFile: string, wish: ServerWish): Promise<Pair> {
  const cert = readIfThere(certFile)
  const key = readIfThere(keyFile)
  if (cert !== undefined && key !== undefined && serves({ cert, key }, wish)) return { cert, key }
  return savePair(certFile, keyFile, await makeServer(wish))
}

/** Whether a kept server certificate still does; a damaged one simply does not. */
function serves(pair: Pair, wish: ServerWish): boolean {
  if (!belong(pair.cert, pair.key) || endsWithin(pair.cert, wish.now, RENEW_BEFORE_DAYS)) {
    return false
  }
  const cert = new Certificate(pair.cert)
  const named = (name: string) =>
    isIP(name) === 0 ? cert.checkHost(name) !== undefined : cert.checkIP(name) !== undefined
  return cert.verify(new Certificate(wish.ca.cert).publicKey) && wish.names.every(named)
}

function belong(cert: string, key: string): boolean {
  try {
    return new Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function endsWithin(cert: string, now: Date, days: number): boolean {
  return Date.parse(new Certificate(cert).validTo) - now.getTime() < days * DAY_MS
}

async function makeAuthority(now: Date): Promise<Pair> {
  const keys = await generateKeys()
  const name = `CN=Local cloud CA ${randomBytes(4).toString('hex')}`
  const cert = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    serialNumber: serial(),
    ...validity(now, CA_DAYS),
    signingAlgorithm: P256,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: `${cert.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

async function makeServer({ ca, names, now }: ServerWish): Promise<Pair> {
  const keys = await generateKeys()
  const authority = new X509Certificate(ca.cert)
  const cert = await X509CertificateGenerator.create({
    subject: 'CN=localhost',
    issuer: authority.subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(ca.key),
    serialNumber: serial(),
    ...validity(now, SERVER_DAYS),
    signingAlgorithm: P256,
    extensions: await serverExtensions(names, keys.publicKey, authority),
  })
  return { cert: `${cert.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

async function serverExtensions(
  names: readonly string[],
  publicKey: webcrypto.CryptoKey,
  authority: X509Certificate,
): Promise<Extension[]> {
  const alternatives = names.map((value) => ({
    type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
    value,
  }))
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(alternatives),
    await SubjectKeyIdentifierExtension.create(publicKey),
    await AuthorityKeyIdentifierExtension.create(authority.publicKey),
  ]
}

/** An RSA key with its certificate, like the one with which SNS signs its messages. PEM. */
export async function makeSigner(commonName: string, now: Date = new Date()): Promise<Pair> {
  const algorithm = { ...RSA, publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const cert = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys,
    serialNumber: serial(),
    ...validity(now, CA_DAYS),
    signingAlgorithm: RSA,
  })
  return { cert: `${cert.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  return `${PemConverter.encode(der, 'PRIVATE KEY')}\n`
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = PemConverter.decodeFirst(pem)
  return webcrypto.subtle.importKey('pkcs8', der, P256, false, ['sign'])
}

/** RFC 5280 section 4.1.2.2: positive and at most 20 octets. */
function serial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

/** Begins an hour ago, for clients whose clock is a little slow. */
function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const start = now.getTime() - 3_600_000
  return { notBefore: new Date(start), notAfter: new Date(start + days * DAY_MS) }
}

/** The key goes first: a certificate without its key would look like damage after a crash. */
function savePair(certFile: string, keyFile: string, pair: Pair): Pair {
  save(keyFile, pair.key, 0o600)
  save(certFile, pair.cert, 0o644)
  return pair
}

function save(file: string, text: string, mode: number): void {
  const draft = `${file}.${process.pid}.tmp`
  writeFileSync(draft, text, { mode })
  chmodSync(draft, mode)
  renameSync(draft, file)
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
