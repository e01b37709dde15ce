import { createHmac, randomBytes } from 'node:crypto'
import {
  bytesOf,
  children,
  integerOf,
  type KeyAndChain,
  type Node,
  nullValue,
  octets,
  oid,
  pkcs12Content,
  pkcs12MacKey,
  sequence,
  toDer,
} from './forge.ts'

/** As OpenSSL's and Java's own defaults or above; a generated passphrase does not lean on it. */
const ITERATIONS = 10_000
const SALT_BYTES = 16

/**
 * A PKCS#12 file: the key under PBES2 (PBKDF2 with HMAC-SHA-256, AES-256-CBC), the whole under an
 * HMAC-SHA-256. OpenSSL 3, Java 17 and Node open it without their legacy providers. Certificates
 * are public and stay unencrypted, as RFC 7292 allows.
 *
 * @param passphrase printable ASCII: programs disagree on how other characters become bytes.
 */
export function makePkcs12(content: KeyAndChain, passphrase: string): Buffer {
  const encryption = { passphrase, iterations: ITERATIONS, saltBytes: SALT_BYTES }
  const [version, safe] = children(pkcs12Content(content, encryption)) as [Node, Node]
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
  const key = pkcs12MacKey(passphrase, salt, ITERATIONS)
  const digest = createHmac('sha256', key).update(content).digest()
  const digestInfo = sequence([sequence([oid(SHA_256), nullValue()]), octets(digest)])
  return sequence([digestInfo, octets(salt), integerOf(ITERATIONS)])
}
