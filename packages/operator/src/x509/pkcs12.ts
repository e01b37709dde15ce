import { createCipheriv, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import {
  bytesOf,
  children,
  integerOf,
  type KeyAndChain,
  type Node,
  nullValue,
  octets,
  oid,
  parseDer,
  pkcs12Content,
  pkcs12MacKey,
  sequence,
  tagged,
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
  const [version, plain] = children(pkcs12Content(content)) as [Node, Node]
  const [certificates, key] = children(parseDer(contentOf(plain))) as [Node, Node]
  const [bag] = children(parseDer(contentOf(key)))
  const encrypted = contentInfo(sequence([shroudedBag(bag, passphrase)]))
  const safe = contentInfo(sequence([certificates, encrypted]))
  return toDer(sequence([version, safe, macData(contentOf(safe), passphrase)]))
}

const DATA = '1.2.840.113549.1.7.1'

/** ContentInfo { data, [0] OCTET STRING } (RFC 2315 §7). */
const contentInfo = (content: Node): Node =>
  sequence([oid(DATA), tagged(0, octets(toDer(content)))])

/** The octets in a ContentInfo. */
function contentOf(info: Node): Buffer {
  const [, wrapped] = children(info)
  const [content] = children(wrapped)
  return bytesOf(content)
}

const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2'

/** RFC 7292 §4.2.2: the bag of an unencrypted key, with the key encrypted. */
function shroudedBag(bag: Node | undefined, passphrase: string): Node {
  const [, value, attributes] = children(bag) as [Node, Node, Node]
  const [privateKeyInfo] = children(value) as [Node]
  const encrypted = encryptedKeyInfo(toDer(privateKeyInfo), passphrase)
  return sequence([oid(SHROUDED_KEY_BAG), tagged(0, encrypted), attributes])
}

const PBES2 = '1.2.840.113549.1.5.13'
const PBKDF2 = '1.2.840.113549.1.5.12'
const HMAC_SHA_256 = '1.2.840.113549.2.9'
const AES_256_CBC = '2.16.840.1.101.3.4.1.42'

/** EncryptedPrivateKeyInfo (RFC 5208 §6) under PBES2 (RFC 8018, appendix A.4), by Node's PBKDF2: forge's takes half a second. */
function encryptedKeyInfo(privateKeyInfo: Buffer, passphrase: string): Node {
  const [salt, iv] = [randomBytes(SALT_BYTES), randomBytes(16)]
  const key = pbkdf2Sync(passphrase, salt, ITERATIONS, 32, 'sha256')
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const prf = sequence([oid(HMAC_SHA_256), nullValue()])
  const derivation = sequence([octets(salt), integerOf(ITERATIONS), prf])
  const scheme = sequence([
    sequence([oid(PBKDF2), derivation]),
    sequence([oid(AES_256_CBC), octets(iv)]),
  ])
  const encrypted = Buffer.concat([cipher.update(privateKeyInfo), cipher.final()])
  return sequence([sequence([oid(PBES2), scheme]), octets(encrypted)])
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
