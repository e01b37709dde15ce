import { createHmac, randomBytes } from 'node:crypto'
import forge from 'node-forge'
import {
  bytesOf,
  children,
  integerOf,
  type Node,
  nullValue,
  octets,
  oid,
  sequence,
  toDer,
} from '../core/der.ts'

/** As OpenSSL's and Java's own defaults or above; a generated passphrase does not lean on it. */
const ITERATIONS = 10_000
const SALT_BYTES = 16

export interface KeyAndChain {
  /** PKCS#8, PEM. */
  readonly key: string
  /** PEM; the one that belongs to the key first. */
  readonly certificates: readonly string[]
  readonly friendlyName: string
}

/**
 * A PKCS#12 file: the key under PBES2 (PBKDF2 with HMAC-SHA-256, AES-256-CBC), the whole under an
 * HMAC-SHA-256. OpenSSL 3, Java 17 and Node open it without their legacy providers. Certificates
 * are public and stay unencrypted, as RFC 7292 allows.
 *
 * @param passphrase printable ASCII: programs disagree on how other characters become bytes.
 */
export function makePkcs12(content: KeyAndChain, passphrase: string): Buffer {
  const key = forge.pki.privateKeyFromPem(content.key)
  const options = {
    algorithm: 'aes256',
    prfAlgorithm: 'sha256',
    count: ITERATIONS,
    saltSize: SALT_BYTES,
    // forge itself knows no MAC but SHA-1
    useMac: false,
    friendlyName: content.friendlyName,
  } as Parameters<typeof forge.pkcs12.toPkcs12Asn1>[3]
  const certificates = content.certificates.map((pem) => forge.pki.certificateFromPem(pem))
  const file = forge.pkcs12.toPkcs12Asn1(key, certificates, passphrase, options)
  const [version, safe] = children(file) as [Node, Node]
  return toDer(sequence([version, safe, macData(contentOf(safe), passphrase)]))
}

/** ContentInfo { data, [0] OCTET STRING }: the octets. */
function contentOf(info: Node): Buffer {
  const [, wrapped] = children(info)
  const [content] = children(wrapped)
  return bytesOf(content)
}

const SHA_256 = '2.16.840.1.101.3.4.2.1'

/** RFC 7292 §4: MacData { DigestInfo, salt, iterations }. */
function macData(content: Buffer, passphrase: string): Node {
  const salt = randomBytes(SALT_BYTES)
  const digest = createHmac('sha256', macKey(passphrase, salt)).update(content).digest()
  const digestInfo = sequence([sequence([oid(SHA_256), nullValue()]), octets(digest)])
  return sequence([digestInfo, octets(salt), integerOf(ITERATIONS)])
}

/** RFC 7292, appendix B.3: the purpose "MAC key" of the key derivation. */
const MAC_KEY = 3

function macKey(passphrase: string, salt: Buffer): Buffer {
  const derive = forge.pkcs12.generateKey as unknown as DeriveKey
  const buffer = forge.util.createBuffer(salt.toString('latin1'))
  const key = derive(passphrase, buffer, MAC_KEY, ITERATIONS, 32, forge.md.sha256.create())
  return Buffer.from(key.getBytes(), 'latin1')
}

/** forge's types leave the digest out. */
type DeriveKey = (
  passphrase: string,
  salt: forge.util.ByteStringBuffer,
  purpose: number,
  iterations: number,
  length: number,
  digest: forge.md.MessageDigest,
) => forge.util.ByteStringBuffer
