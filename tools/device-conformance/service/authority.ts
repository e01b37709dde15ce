import 'reflect-metadata' // @peculiar/x509 needs it before its own import
import { createHash, webcrypto, X509Certificate } from 'node:crypto'
import {
  BasicConstraintsExtension,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  type PublicKey,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 24 * 3600 * 1000

export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** From so many days ago to so many days ahead; negative: the other way. */
export function validFor(daysAgo: number, daysAhead: number): Validity {
  const now = Date.now()
  return {
    notBefore: new Date(now - daysAgo * DAY_MS),
    notAfter: new Date(now + daysAhead * DAY_MS),
  }
}

/** A certificate and its key, both PEM. */
export interface ServerPair {
  readonly cert: string
  readonly key: string
}

/** A CA that stands for the device CA and for that of the servers. */
export interface Authority {
  /** PEM. */
  readonly certificate: string
  /** A server certificate for a host name. */
  serverPair(host: string): Promise<ServerPair>
  sign(csr: string, commonName: string, validity: Validity): Promise<string>
  /** Whether this CA signed the certificate; its dates do not matter. */
  hasSigned(der: Buffer): boolean
}

export async function makeAuthority(): Promise<Authority> {
  const keys = await makeKeys()
  const ca = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=Conformance CA',
      keys,
      signingAlgorithm: ALGORITHM,
      ...validFor(800, 800),
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    },
    webcrypto,
  )
  const own = new X509Certificate(ca.toString('pem'))
  const issue = async (key: PublicKey | webcrypto.CryptoKey, name: string, validity: Validity) =>
    X509CertificateGenerator.create(
      {
        subject: `CN=${name}`,
        issuer: ca.subject,
        publicKey: key,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        ...validity,
        extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
      },
      webcrypto,
    )
  return {
    certificate: ca.toString('pem'),
    async serverPair(host) {
      const pair = await makeKeys()
      const certificate = await issue(pair.publicKey, host, validFor(800, 800))
      return { cert: certificate.toString('pem'), key: await privatePem(pair.privateKey) }
    },
    async sign(csr, commonName, validity) {
      const { publicKey } = new Pkcs10CertificateRequest(csr)
      return (await issue(publicKey, commonName, validity)).toString('pem')
    },
    hasSigned: (der) => new X509Certificate(der).verify(own.publicKey),
  }
}

/** Which key a certificate request is for, as a short text; throws if it is not signed by that key. */
export async function keyOf(csr: string): Promise<string> {
  const request = new Pkcs10CertificateRequest(csr)
  if (!(await request.verify(webcrypto))) throw new Error('the request is not signed by its key')
  return createHash('sha256').update(Buffer.from(request.publicKey.rawData)).digest('hex')
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

/** A certificate for a key that nobody has. */
export async function strangeCertificate(ca: Authority, commonName: string): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create(
    { name: 'CN=stranger', keys: await makeKeys(), signingAlgorithm: ALGORITHM },
    webcrypto,
  )
  return ca.sign(request.toString('pem'), commonName, validFor(1, 365))
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`
}
