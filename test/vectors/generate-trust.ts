/**
 * Writes provider-certificates.json, tokens.json and certificate-requests.json. Keys are new at
 * every run, so it is run by hand when a case is added: npx tsx test/vectors/generate-trust.ts, then npm run format
 */
import 'reflect-metadata'
import { createHash, randomBytes, webcrypto } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { sealToken } from '@heliograph/core/token/token'
import type { DeviceId, TokenKeyId, Topic } from '@heliograph/protocol/identifiers'
import * as x509 from '@peculiar/x509'
import {
  children,
  integerOf,
  type Node,
  nullValue,
  parseDer,
  pem,
  sequence,
  toDer,
  utf8,
} from '../../packages/operator/src/x509/forge.ts'
import {
  basicConstraints,
  bmp,
  COMMON_NAME,
  type Content,
  certificateDer,
  certificatePem,
  extension,
  ia5,
  name,
  ORGANIZATION,
  printable,
  rsaPair,
  TOPIC_LIST,
  teletex,
  topicList,
  UID,
  universal,
} from './certificate-builder.ts'

const save = (file: string, value: object) =>
  writeFileSync(new URL(file, import.meta.url), `${JSON.stringify(value, null, 2)}\n`)

const from = new Date('2026-01-01T00:00:00Z')
const to = new Date('2027-02-03T00:00:00Z')
const during = '2026-06-01T00:00:00Z'

const app = 'com.example.app'
const caName = name([
  [[COMMON_NAME, printable('Heliograph test provider CA')]],
  [[ORGANIZATION, printable('Heliograph')]],
])
const [ca, other, provider] = [rsaPair(), rsaPair(), rsaPair()]

const uid = (value: Node) => [[UID, value] as const]
const commonName = [[COMMON_NAME, utf8(`Apple Push Services: ${app}`)] as const]
const subject = name([uid(utf8(app)), commonName])
const markers = [
  extension('1.2.840.113635.100.6.3.1', nullValue()),
  extension('1.2.840.113635.100.6.3.2', nullValue()),
]
const listed = (topics: readonly string[]) => extension(TOPIC_LIST, topicList(topics))

const good: Content = {
  serial: randomBytes(15),
  issuer: caName,
  subject,
  notBefore: from,
  notAfter: to,
  publicKey: provider.publicKey,
  extensions: [basicConstraints(false), ...markers, listed([app])],
}

const make = (changes: Partial<Content> = {}, signer = ca.privateKey) =>
  certificatePem(certificateDer({ ...good, ...changes }, signer))
const withList = (...lists: Node[]) => make({ extensions: [...markers, ...lists] })
const named = (value: Node) => make({ subject: name([uid(value), commonName]) })
const many = (count: number) => Array.from({ length: count }, (_, at) => `a.b.t${at}`)

function authority(): string {
  const notAfter = new Date('2046-01-01T00:00:00Z')
  const extensions = [basicConstraints(true)]
  return make({ subject: caName, notAfter, publicKey: ca.publicKey, extensions })
}

function providerCertificates(): object {
  return {
    authority: authority(),
    at: during,
    valid: validOnes(),
    unreadable: unreadableOnes(),
    refused: refusedOnes(),
  }
}

function validOnes(): object[] {
  const three = [app, `${app}.voip`, `${app}.complication`]
  const long = (bytes: number) => Buffer.concat([Buffer.of(0x7f), randomBytes(bytes - 1)])
  return [
    { case: 'one topic, in the UID and the list', topics: [app], pem: make() },
    { case: 'several topics in the list', topics: three, pem: withList(listed(three)) },
    { case: 'no topic list', topics: [app], pem: withList() },
    { case: 'no extension at all', topics: [app], pem: make({ extensions: [] }) },
    { case: 'UID as PrintableString', topics: [app], pem: named(printable(app)) },
    { case: 'UID as IA5String', topics: [app], pem: named(ia5(app)) },
    {
      case: 'UID not the first RDN',
      topics: [app],
      pem: make({ subject: name([commonName, uid(utf8(app))]) }),
    },
    {
      case: 'a topic in the list twice',
      topics: [app, 'com.example.b'],
      pem: withList(listed([app, 'com.example.b', 'com.example.b'])),
    },
    {
      case: '1,000 topics, as issued: the UID is in the list, too',
      topics: [app, ...many(999)],
      pem: withList(listed([app, ...many(999)])),
    },
    {
      case: 'a serial number of 20 bytes, the most of RFC 5280',
      topics: [app],
      pem: make({ serial: long(20) }),
    },
    { case: 'a serial number of 256 bytes', topics: [app], pem: make({ serial: long(256) }) },
  ]
}

function unreadableOnes(): object[] {
  return [...badUids(), ...badLists(), ...badTexts()]
}

function badUids(): object[] {
  const second = uid(utf8('com.example.b'))
  const cases: Readonly<Record<string, string>> = {
    'no UID': make({ subject: name([commonName]) }),
    'two UIDs in two RDNs': make({ subject: name([uid(utf8(app)), second]) }),
    'two UIDs in one RDN': make({ subject: name([[...uid(utf8(app)), ...second], commonName]) }),
    'UID empty': named(utf8('')),
    'UID as BMPString (UTF-16)': named(bmp(app)),
    'UID as UniversalString (UTF-32)': named(universal(app)),
    'UID as TeletexString': named(teletex(app)),
    'UID with a NUL': named(utf8(`${app}\0.evil`)),
    'UID with a space': named(utf8('com.example app')),
    'UID with a letter beyond ASCII': named(utf8('com.exämple.app')),
    'UID of 300 characters': named(utf8('a'.repeat(300))),
    'UID as a sequence': named(sequence([utf8(app)])),
    "the CA's own certificate": authority(),
  }
  return Object.entries(cases).map(([title, pem]) => ({ breaks: 'UID', case: title, pem }))
}

function badLists(): object[] {
  const trailing = Buffer.of(0x30, 0, 1, 2, 3)
  const cases: Readonly<Record<string, string>> = {
    'a topic as BMPString (UTF-16)': withList(extension(TOPIC_LIST, topicList([app], bmp))),
    'a topic that is not a bundle id': withList(listed([app, 'com.example/../b'])),
    'a topic without its kind': withList(extension(TOPIC_LIST, sequence([utf8(app)]))),
    'the extension twice': withList(listed([app]), listed(['com.example.b'])),
    'an integer instead of a list': withList(extension(TOPIC_LIST, integerOf(7))),
    'bytes after the list': withList(extension(TOPIC_LIST, trailing)),
    'no DER in the extension': withList(extension(TOPIC_LIST, Buffer.from('topics'))),
    '1,001 topics': withList(listed(many(1_000))),
  }
  return Object.entries(cases).map(([title, pem]) => ({ breaks: 'topic list', case: title, pem }))
}

function badTexts(): object[] {
  const der = certificateDer(good, ca.privateKey)
  const key = other.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const cases: Readonly<Record<string, string>> = {
    empty: '',
    'no certificate': app,
    'cut off': certificatePem(der.subarray(0, der.length - 40)),
    'a private key': key,
  }
  return Object.entries(cases).map(([title, pem]) => ({ breaks: 'PEM', case: title, pem }))
}

function refusedOnes(): object[] {
  const foreign = 'the client certificate is not from this provider CA'
  const deviceCa = name([[[COMMON_NAME, printable('Heliograph test device CA')]]])
  const damaged = certificateDer(good, ca.privateKey)
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1)
  return [
    {
      breaks: 'issuer',
      case: 'self-signed',
      detail: foreign,
      pem: make({ issuer: subject }, provider.privateKey),
    },
    {
      breaks: 'issuer',
      case: "another CA with this CA's name",
      detail: foreign,
      pem: make({}, other.privateKey),
    },
    {
      breaks: 'issuer',
      case: "this CA's key under another name",
      detail: foreign,
      pem: make({ issuer: deviceCa }),
    },
    { breaks: 'signature', case: 'one bit flipped', detail: foreign, pem: certificatePem(damaged) },
    {
      breaks: 'validity',
      case: 'expired, a second beyond the allowance',
      detail: 'the client certificate has expired: issue another',
      at: '2027-02-03T00:01:01Z',
      pem: make(),
    },
    {
      breaks: 'validity',
      case: 'not yet valid, a second beyond the allowance',
      detail: 'the client certificate is not valid yet',
      at: '2025-12-31T23:58:59Z',
      pem: make(),
    },
  ]
}

function tokens(): object {
  const keyBytes = createHash('sha512').update('heliograph test token key').digest()
  const otherBytes = createHash('sha512').update('another token key').digest()
  const asKey = (key: Uint8Array) => ({
    id: '01KABCDEFGHJKMNPQRSTVWXYZ0' as TokenKeyId,
    state: 'primary' as const,
    createdAt: 0,
    key,
  })
  const seal = (deviceId: string, topic: string, key: Uint8Array = keyBytes) =>
    sealToken(asKey(key), deviceId as DeviceId, topic as Topic)
  const device = '0123456789abcdef'
  const token = seal(device, 'com.example.app')
  const flipped = (at: number) => {
    const bytes = Buffer.from(token, 'hex')
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x80, at)
    return bytes.toString('hex')
  }
  return {
    key: keyBytes.toString('hex'),
    valid: [
      { deviceId: device, topic: 'com.example.app', token },
      {
        deviceId: device,
        topic: 'com.example.app.voip',
        token: seal(device, 'com.example.app.voip'),
      },
      {
        deviceId: 'zzzzzzzzzzzzzzzz',
        topic: 'com.example.app',
        token: seal('zzzzzzzzzzzzzzzz', 'com.example.app'),
      },
      { deviceId: '0000000000000000', topic: 'a', token: seal('0000000000000000', 'a') },
    ],
    malformed: [
      { breaks: 'length', case: 'empty', token: '' },
      { breaks: 'length', case: '62 digits', token: token.slice(2) },
      { breaks: 'length', case: '63 digits', token: token.slice(1) },
      { breaks: 'length', case: '66 digits', token: `${token}00` },
      { breaks: 'length', case: '160 digits', token: token.repeat(3).slice(0, 160) },
      { breaks: 'alphabet', case: 'a letter beyond f', token: `g${token.slice(1)}` },
      { breaks: 'alphabet', case: 'a space at the end', token: `${token.slice(1)} ` },
      { breaks: 'alphabet', case: 'a line end after it', token: `${token}\n` },
      {
        breaks: 'alphabet',
        case: 'base64 instead of hex',
        token: Buffer.from(token, 'hex').toString('base64'),
      },
      { breaks: 'alphabet', case: 'a full-width digit', token: `０${token.slice(1)}` },
    ],
    forged: [
      { breaks: 'synthetic IV', case: 'first bit flipped', token: flipped(0) },
      { breaks: 'ciphertext', case: 'a bit after the IV flipped', token: flipped(16) },
      { breaks: 'ciphertext', case: 'last byte changed', token: flipped(31) },
      {
        breaks: 'key',
        case: 'sealed with another key',
        token: seal(device, 'com.example.app', otherBytes),
      },
      { breaks: 'all', case: 'zeros', token: '0'.repeat(64) },
      { breaks: 'all', case: 'ones', token: 'f'.repeat(64) },
      { breaks: 'order', case: 'the halves swapped', token: token.slice(32) + token.slice(0, 32) },
    ],
  }
}

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const p384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }
const p521 = { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' }
const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
})

async function request(
  algorithm: typeof p256 | ReturnType<typeof rsa>,
  extra: Partial<x509.Pkcs10CertificateRequestCreateParams> = {},
): Promise<Buffer> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair
  const made = await x509.Pkcs10CertificateRequestGenerator.create(
    { name: 'CN=device', keys, signingAlgorithm: algorithm, ...extra },
    webcrypto,
  )
  return Buffer.from(made.rawData)
}

const requestPem = (der: Buffer): string => pem('CERTIFICATE REQUEST', der)

async function certificateRequests(): Promise<object> {
  const ambitious = {
    name: 'CN=admin, OU=operators',
    extensions: [
      new x509.BasicConstraintsExtension(true, 3, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'example.com' }]),
    ],
  }
  return {
    valid: [
      { case: 'EC P-256', csr: requestPem(await request(p256)) },
      { case: 'EC P-384', csr: requestPem(await request(p384)) },
      { case: 'RSA 2048', csr: requestPem(await request(rsa(2048))) },
      { case: 'RSA 4096', csr: requestPem(await request(rsa(4096))) },
      {
        case: 'asks to be a CA called admin: neither is taken over',
        csr: requestPem(await request(p256, ambitious)),
      },
    ],
    invalid: [...(await badKeys()), ...(await badSignatures()), ...(await badRequestTexts())],
  }
}

async function badKeys(): Promise<object[]> {
  const hex = (await request(p256)).toString('hex')
  const curve = '06082a8648ce3d030107'
  // the last arc of prime256v1 changed: a curve that nobody has defined
  const strange = Buffer.from(hex.replace(curve, '06082a8648ce3d030108'), 'hex')
  const none = Buffer.from(hex.replace(curve, '07082a8648ce3d030107'), 'hex')
  return [
    { breaks: 'key', case: 'EC on an unknown curve', csr: requestPem(strange) },
    { breaks: 'key', case: 'EC whose curve is no object identifier', csr: requestPem(none) },
    { breaks: 'key', case: 'RSA 1024', csr: requestPem(await request(rsa(1024))) },
    { breaks: 'key', case: 'RSA 8192', csr: requestPem(await request(rsa(8192))) },
    { breaks: 'key', case: 'EC P-521', csr: requestPem(await request(p521)) },
  ]
}

async function badSignatures(): Promise<object[]> {
  const [mine, another] = [await request(p256), await request(p256)]
  const [body, algorithm] = children(parseDer(mine))
  const signature = children(parseDer(another))[2]
  const flipped = Buffer.from(mine)
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 1) ^ 1, flipped.length - 1)
  const swapped = toDer(sequence([body, algorithm, signature] as Node[]))
  return [
    { breaks: 'signature', case: 'one bit flipped', csr: requestPem(flipped) },
    { breaks: 'signature', case: 'of another request', csr: requestPem(swapped) },
  ]
}

async function badRequestTexts(): Promise<object[]> {
  const der = await request(p256)
  const publicKey = provider.publicKey.export({ type: 'spki', format: 'pem' })
  const framed = (text: string) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${text}-----END CERTIFICATE REQUEST-----\n`
  return [
    { breaks: 'PEM', case: 'empty', csr: '' },
    { breaks: 'PEM', case: 'base64 without its frame', csr: der.toString('base64') },
    { breaks: 'PEM', case: 'cut off', csr: requestPem(der.subarray(0, 80)) },
    { breaks: 'PEM', case: 'no base64 inside', csr: framed('!!!\n') },
    { breaks: 'PEM', case: 'nothing inside', csr: framed('') },
    { breaks: 'PEM', case: 'a public key', csr: publicKey },
    { breaks: 'PEM', case: 'a certificate', csr: make() },
    { breaks: 'size', case: '1 MB: as often as fits', csr: requestPem(der), padTo: 1_048_576 },
  ]
}

x509.cryptoProvider.set(webcrypto)
save('provider-certificates.json', providerCertificates())
save('tokens.json', tokens())
save('certificate-requests.json', await certificateRequests())
