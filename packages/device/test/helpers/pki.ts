import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  Pkcs10CertificateRequest,
  type PublicKey,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 24 * 3600 * 1000

export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

const oneYear = (): Validity => ({
  notBefore: new Date(Date.now() - DAY),
  notAfter: new Date(Date.now() + 365 * DAY),
})

/** One CA that stands for the device CA and for the CA of the servers. */
export interface TestCa {
  readonly certificate: string
  /** A server certificate for localhost. */
  readonly server: { readonly cert: string; readonly key: string }
  sign(csr: string, commonName: string, validity?: Validity): Promise<string>
}

export async function makeCa(): Promise<TestCa> {
  const keys = await makeKeys()
  const ca = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=Test CA',
      keys,
      signingAlgorithm: ALGORITHM,
      ...oneYear(),
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    },
    webcrypto,
  )
  const issue = async (
    publicKey: PublicKey | webcrypto.CryptoKey,
    commonName: string,
    validity: Validity,
  ) =>
    X509CertificateGenerator.create(
      {
        subject: `CN=${commonName}`,
        issuer: ca.subject,
        publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        ...validity,
        extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
      },
      webcrypto,
    )
  const serverKeys = await makeKeys()
  return {
    certificate: ca.toString('pem'),
    server: {
      cert: (await issue(serverKeys.publicKey, 'localhost', oneYear())).toString('pem'),
      key: await privatePem(serverKeys.privateKey),
    },
    async sign(csr, commonName, validity = oneYear()) {
      const request = new Pkcs10CertificateRequest(csr)
      if (!(await request.verify(webcrypto)))
        throw new Error('the CSR is not signed by its own key')
      return (await issue(request.publicKey, commonName, validity)).toString('pem')
    },
  }
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`
}
