import { generateKeyPair, randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hashActivationCode } from '@heliograph/core/devices/activation-code'
import { readProviderCertificate } from '@heliograph/core/trust/provider-trust'
import type { Machine } from '@heliograph/machine/machine'
import {
  parseProviderKeyId,
  parseTeamId,
  parseTopic,
  type Topic,
} from '@heliograph/protocol/identifiers'
import { topicForms } from '@heliograph/protocol/push-type'
import { base32crockford } from '@scure/base'
import { writePrivate } from '../files.ts'
import { makePkcs12 } from '../x509/pkcs12.ts'
import { issueProviderCertificate } from '../x509/provider-certificate.ts'

const TOPIC = 'com.example.app'
const CODE = 'local-demo'
const TEAM = 'HELIOGRAPH'
const DAY_MS = 24 * 3600_000
const YEAR_SECONDS = 365 * 24 * 3600

const generate = promisify(generateKeyPair)

/**
 * What a program needs to send to this machine and to be one of its devices: a provider certificate
 * and key, a provider key for tokens, and an activation code that any number of devices may use.
 * Created at the first start and kept; `local.json` says where, as with the embedded cloud.
 */
export async function prepareDevelopment(machine: Machine, state: string): Promise<void> {
  const folder = join(state, 'demo')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const ca = join(state, 'ca.pem')
  writeFileSync(ca, machine.serverAuthority)
  await invite(machine)
  const credentials = await providerCredentials(machine, folder)
  const keyId = await providerKey(machine, folder)
  const { ports } = machine
  const url = (port: number) => `https://localhost:${port}`
  const local = {
    provider: { url: url(ports.provider), ca, topic: TOPIC, ...credentials },
    providerToken: {
      ...{ url: url(ports.provider), ca, teamId: TEAM, keyId, key: keyFile(folder, keyId) },
    },
    channels: { url: url(ports.channels), ca },
    activation: { url: `${url(ports.activation)}/activate`, ca, code: CODE },
    mqtt: { url: `mqtts://localhost:${ports.devices}`, ca },
  }
  await writePrivate(join(state, 'local.json'), `${JSON.stringify(local, null, 2)}\n`)
}

async function invite({ store }: Machine): Promise<void> {
  const createdAt = Date.now()
  const expiresAt = Math.floor(createdAt / 1000) + YEAR_SECONDS
  const codeHash = hashActivationCode(CODE)
  await store.activations.add({ codeHash, createdAt, expiresAt, reusable: true })
}

async function providerCredentials(machine: Machine, folder: string) {
  const files = {
    cert: join(folder, 'app.pem'),
    key: join(folder, 'app.key'),
    p12: join(folder, 'app.p12'),
  }
  const passphraseFile = join(folder, 'app.passphrase')
  // written last: if it exists, all the others do
  if (!existsSync(passphraseFile)) {
    const { certificate, key, chain } = await issueProvider(machine)
    const passphrase = base32crockford.encode(randomBytes(20)).slice(0, 26).toLowerCase()
    const p12 = makePkcs12({ key, certificates: chain, friendlyName: TOPIC }, passphrase)
    await writePrivate(files.cert, certificate)
    await writePrivate(files.key, key)
    await writePrivate(files.p12, p12)
    await writePrivate(passphraseFile, passphrase)
  }
  return { ...files, passphrase: readFileSync(passphraseFile, 'utf8') }
}

async function issueProvider({ store }: Machine) {
  const authority = await store.authorities.find('provider')
  if (!authority) throw new Error('the provider CA is not there')
  const { publicKey, privateKey } = await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const now = Date.now()
  const certificate = await issueProviderCertificate(
    { topics: topics(), publicKey },
    { notBefore: new Date(now - 300_000), notAfter: new Date(now + 398 * DAY_MS) },
    randomBytes(16),
    { certificate: authority.certificate, key: await store.authorities.key('provider') },
  )
  const read = readProviderCertificate(certificate, new X509Certificate(authority.certificate))
  if ('fault' in read) throw new Error(`the new certificate is not well-formed: ${read.fault}`)
  const { serialNumber, subject } = new X509Certificate(certificate)
  const { issued: _, ...rest } = read
  await store.providers.save({
    ...{ ...rest, issuedAt: now },
    ...{ serial: serialNumber.toLowerCase(), subject: subject.replaceAll('\n', ', ') },
  })
  return { certificate, key: privateKey, chain: [certificate, authority.certificate] }
}

function topics(): [Topic, ...Topic[]] {
  return topicForms(TOPIC).flatMap((text) => parseTopic(text) ?? []) as [Topic, ...Topic[]]
}

const keyFile = (folder: string, keyId: string): string => join(folder, `AuthKey_${keyId}.p8`)

/** Its id is in the name of its file, as with Apple's. */
async function providerKey({ store }: Machine, folder: string): Promise<string> {
  const names = readdirSync(folder).map((name) => /^AuthKey_(\w{10})\.p8$/.exec(name)?.[1])
  const kept = names.find((keyId) => keyId !== undefined)
  if (kept) return kept
  const { publicKey, privateKey } = await generate('ec', { namedCurve: 'P-256' })
  const keyId = parseProviderKeyId(base32crockford.encode(randomBytes(10)).slice(0, 10))
  const teamId = parseTeamId(TEAM)
  if (!keyId || !teamId) throw new Error('the id of the provider key is malformed')
  await writePrivate(
    keyFile(folder, keyId),
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  )
  const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  await store.providerKeys.save({
    ...{ keyId, teamId, topics: topics(), publicKey: der, createdAt: Date.now() },
  })
  return keyId
}
