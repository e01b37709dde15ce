import 'reflect-metadata'
import { createPublicKey, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { MAX_CSR_CHARACTERS } from '@heliograph/protocol/limits'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import * as x509 from '@peculiar/x509'
import type { SigningKey } from '../ports.ts'

const webAlgorithms = {
  'ECDSA-P256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'RSA-2048': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
} as const

export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface CertificateRequest {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array
  /** SHA-256 of the public key, hex: shows whether two requests are for the same key. */
  readonly keyHash: string
}

/**
 * Reads a PKCS#10 request. Only its key is used, never its names or requested extensions: the
 * service alone decides who a device is. Keys: EC P-256 or P-384, RSA of 2048 to 4096 bits.
 */
export async function readCertificateRequest(
  pem: unknown,
): Promise<CertificateRequest | { readonly fault: string }> {
  if (typeof pem !== 'string' || pem.length > MAX_CSR_CHARACTERS)
    return { fault: `csr must be a PEM text of at most ${MAX_CSR_CHARACTERS / 1024} kB` }
  const request = parseRequest(pem)
  if (!request) return { fault: 'csr is not a PKCS#10 certificate request in PEM' }
  if (!isAllowedKey(request))
    return { fault: 'the key must be EC P-256 or P-384, or RSA of 2048 to 4096 bits' }
  if (!(await isSigned(request)))
    return { fault: 'the signature of the csr does not match its key' }
  const publicKey = new Uint8Array(request.publicKey.rawData)
  return { publicKey, keyHash: bytesToHex(sha256(publicKey)) }
}

function parseRequest(pem: string): x509.Pkcs10CertificateRequest | undefined {
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem)) return undefined
  try {
    return new x509.Pkcs10CertificateRequest(pem)
  } catch {
    return undefined
  }
}

/** The key is parsed when it is first asked for; one on an unknown curve throws then. */
function isAllowedKey(request: x509.Pkcs10CertificateRequest): boolean {
  try {
    return isAllowed(request.publicKey)
  } catch {
    return false
  }
}

function isAllowed(key: x509.PublicKey): boolean {
  const algorithm: { name: string; namedCurve?: string } = key.algorithm
  if (algorithm.name === 'ECDSA')
    return algorithm.namedCurve === 'P-256' || algorithm.namedCurve === 'P-384'
  if (!algorithm.name.startsWith('RSA')) return false
  const bits = modulusBits(new Uint8Array(key.rawData))
  return bits >= 2048 && bits <= 4096
}

/** To the bit: the parser's `modulusLength` counts whole bytes, and so returns 2,048 for 2,041. */
function modulusBits(publicKey: Uint8Array): number {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
  return key.asymmetricKeyDetails?.modulusLength ?? 0
}

async function isSigned(request: x509.Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify(webcrypto)
  } catch {
    return false
  }
}

interface IssuingAuthority {
  /** PEM. */
  readonly certificate: string
  readonly key: SigningKey
}

/** A device's certificate: CN = device id, for TLS client authentication only. PEM. */
export function issueDeviceCertificate(
  { deviceId, publicKey }: { readonly deviceId: DeviceId; readonly publicKey: Uint8Array },
  validity: Validity,
  serial: Uint8Array,
  authority: IssuingAuthority,
): Promise<string> {
  return issue(authority, {
    ...{ serial, validity, publicKey, subject: `CN=${deviceId}` },
    usage: x509.ExtendedKeyUsage.clientAuth,
  })
}

/** A server's certificate for these host names and IP addresses. PEM. */
export function issueServerCertificate(
  { names, publicKey }: { readonly names: readonly string[]; readonly publicKey: Uint8Array },
  validity: Validity,
  serial: Uint8Array,
  authority: IssuingAuthority,
): Promise<string> {
  const hosts = names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }) as const)
  return issue(authority, {
    // clients read the names below, and none of them reads this one (RFC 6125 §6.4.4)
    ...{ serial, validity, publicKey, subject: 'CN=Heliograph server' },
    usage: x509.ExtendedKeyUsage.serverAuth,
    names: new x509.SubjectAlternativeNameExtension(hosts),
  })
}

interface EndEntity extends Pick<Content, 'serial' | 'validity' | 'publicKey' | 'subject'> {
  readonly usage: x509.ExtendedKeyUsage
  readonly names?: x509.Extension
}

/** A certificate for one use that ends no later than the authority's own. */
function issue(
  { certificate, key }: IssuingAuthority,
  { validity, usage, names, ...content }: EndEntity,
): Promise<string> {
  const issuer = new x509.X509Certificate(certificate)
  return build({
    ...content,
    issuer: issuer.subjectName,
    issuerKey: issuer.publicKey,
    validity: { ...validity, notAfter: earlier(validity.notAfter, issuer.notAfter) },
    key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      ...(names ? [names] : []),
    ],
  })
}

/** A self-signed CA certificate that may sign end-entity certificates only. PEM. */
export function issueAuthority(
  name: string,
  publicKey: Uint8Array,
  validity: Validity,
  serial: Uint8Array,
  key: SigningKey,
): Promise<string> {
  const subject = new x509.Name(`CN=${name}, O=Heliograph`)
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags
  return build({
    serial,
    subject,
    issuer: subject,
    publicKey,
    validity,
    key,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
    ],
  })
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}

interface Content {
  readonly serial: Uint8Array
  readonly subject: string | x509.Name
  readonly issuer: x509.Name
  /** Absent if the certificate signs itself. */
  readonly issuerKey?: x509.PublicKey
  readonly publicKey: Uint8Array
  readonly validity: Validity
  readonly key: SigningKey
  readonly extensions: x509.Extension[]
}

async function build(content: Content): Promise<string> {
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: bytesToHex(content.serial),
      subject: content.subject,
      issuer: content.issuer,
      notBefore: content.validity.notBefore,
      notAfter: content.validity.notAfter,
      publicKey: content.publicKey as Uint8Array<ArrayBuffer>,
      signingAlgorithm: webAlgorithms[content.key.algorithm],
      signingKey: {
        algorithm: webAlgorithms[content.key.algorithm],
      } as unknown as webcrypto.CryptoKey,
      extensions: await withKeyIdentifiers(content),
    },
    signingCrypto(content.key),
  )
  return `${certificate.toString('pem')}\n`
}

/** RFC 5280 §4.2.1.1 and §4.2.1.2; strict verifiers ask for both. */
async function withKeyIdentifiers(content: Content): Promise<x509.Extension[]> {
  const publicKey = new x509.PublicKey(content.publicKey as unknown as ArrayBuffer)
  const issuerKey = content.issuerKey ?? publicKey
  return [
    ...content.extensions,
    await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
    await x509.AuthorityKeyIdentifierExtension.create(issuerKey, false, webcrypto),
  ]
}

/** The generator asks a WebCrypto to sign; this one asks the CA's key instead. */
function signingCrypto(key: SigningKey): webcrypto.Crypto {
  const sign = async (_algorithm: unknown, _key: unknown, message: ArrayBuffer) => {
    const signature = await key.sign(new Uint8Array(message))
    return key.algorithm === 'ECDSA-P256' ? toWebSignature(signature) : toBuffer(signature)
  }
  return { subtle: { sign } } as unknown as webcrypto.Crypto
}

function toBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer
}

function toWebSignature(der: Uint8Array): ArrayBuffer {
  const algorithm = webAlgorithms['ECDSA-P256']
  const raw = new x509.AsnEcSignatureFormatter().toWebSignature(algorithm, toBuffer(der))
  if (!raw) throw new Error('the CA key did not give an ECDSA signature')
  return raw
}
