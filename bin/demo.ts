import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Device, type Notification, openDevice } from '@heliograph/device'
import type { Cloud } from '@heliograph/embedded-cloud'
import { topicForms } from '@heliograph/protocol/push-type'
import apn from '@parse/node-apn'
import { openDeployment } from '../packages/operator/src/aws-deployment.ts'
import type { AwsDeployment } from '../packages/operator/src/aws-stage.ts'
import { draftPrivate } from '../packages/operator/src/files.ts'
import { enrollCanary, runCanary } from '../packages/operator/src/operations/canary.ts'
import { inviteDevices } from '../packages/operator/src/operations/invite.ts'
import { issueProvider } from '../packages/operator/src/operations/issue-provider.ts'
import {
  createProviderKey,
  newProviderKeyId,
} from '../packages/operator/src/operations/provider-keys.ts'
import { LOCAL_STAGE, writeSecret } from './embedded.ts'

export const DEMO_TOPIC = 'com.example.app'
const DEMO_CODE = 'local-demo'
const DEMO_TEAM = 'HELIOGRAPH'
const YEAR_SECONDS = 365 * 24 * 3600

/** What a program needs to send to and be a device of this embedded cloud: `<state>/local.json`. */
export interface LocalFile {
  readonly provider: {
    readonly url: string
    readonly ca: string
    readonly topic: string
    readonly cert: string
    readonly key: string
    readonly p12: string
    readonly passphrase: string
  }
  /** Where certificates manage channels: the same API, at a port of its own as at Apple. */
  readonly channels: { readonly url: string; readonly ca: string }
  /** Absent if the stage has no token domain. */
  readonly providerToken?: ProviderTokenFile
  readonly activation: { readonly url: string; readonly ca: string; readonly code: string }
  readonly mqtt: { readonly url: string; readonly ca: string }
}

/** For the same topics as the certificate. */
export interface ProviderTokenFile {
  readonly url: string
  readonly ca: string
  readonly teamId: string
  readonly keyId: string
  /** Path of the `.p8`. */
  readonly key: string
}

/** The demo app's provider certificate, provider key and activation code, made at the first start and kept. */
export async function prepareDemo(cloud: Cloud, state: string): Promise<LocalFile> {
  const folder = join(state, 'demo')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const deployment = await openDeployment({ stage: LOCAL_STAGE, environment: cloud.environment })
  const codeOptions = { count: 1, ttlSeconds: YEAR_SECONDS, reusable: true, code: DEMO_CODE }
  await inviteDevices(deployment, codeOptions)
  const files = {
    cert: join(folder, 'app.pem'),
    key: join(folder, 'app.key'),
    p12: join(folder, 'app.p12'),
  }
  const passphraseFile = join(folder, 'app.passphrase')
  if (!existsSync(passphraseFile)) {
    const issued = await issueProvider(deployment, { topics: topicForms(DEMO_TOPIC) })
    const write = (path: string, data: string | Uint8Array) =>
      writeFileSync(path, data, { mode: 0o600 })
    write(files.cert, issued.certificatePem)
    write(files.key, issued.keyPem)
    write(files.p12, issued.p12)
    write(passphraseFile, issued.passphrase)
  }
  const passphrase = readFileSync(passphraseFile, 'utf8')
  const local = localFile(cloud, { ...files, passphrase })
  const tokens = cloud.apis.find(({ domain }) => domain !== undefined)
  if (!tokens) return local
  const keyId = await demoKey(deployment, folder)
  const providerToken = { url: tokens.url, ca: cloud.caFile, teamId: DEMO_TEAM, keyId }
  return { ...local, providerToken: { ...providerToken, key: keyFile(folder, keyId) } }
}

/** Makes the canary somebody where it is nobody yet, or is a device of a broker at another port. */
export async function readyCanary(cloud: Cloud): Promise<void> {
  const deployment = await openDeployment({ stage: LOCAL_STAGE, environment: cloud.environment })
  try {
    const report = await runCanary(deployment)
    const isNobody = !report.heard && (report.step === 'identity' || report.step === 'connect')
    if (isNobody) await enrollCanary(deployment)
  } finally {
    await deployment.close()
  }
}

const keyFile = (folder: string, keyId: string): string => join(folder, `AuthKey_${keyId}.p8`)

/** Its id is in the name of its file, as with Apple's. */
async function demoKey(deployment: AwsDeployment, folder: string): Promise<string> {
  const names = readdirSync(folder).map((name) => /^AuthKey_(\w{10})\.p8$/.exec(name)?.[1])
  const kept = names.find((keyId) => keyId !== undefined)
  if (kept) return kept
  const keyId = newProviderKeyId()
  const order = { team: DEMO_TEAM, keyId, topics: topicForms(DEMO_TOPIC) }
  await createProviderKey(deployment, order, (p8) =>
    draftPrivate(keyFile(folder, keyId), p8, false),
  )
  return keyId
}

function localFile(
  cloud: Cloud,
  credentials: Pick<LocalFile['provider'], 'cert' | 'key' | 'p12' | 'passphrase'>,
): LocalFile {
  const [edge, channels = edge] = cloud.mutualTlsApis
  const activation = cloud.apis.find(({ domain }) => domain === undefined)
  if (!edge || !channels || !activation)
    throw new Error('the stacks have no provider or activation API')
  const ca = cloud.caFile
  return {
    provider: { url: `https://localhost:${edge.port}`, ca, topic: DEMO_TOPIC, ...credentials },
    channels: { url: channels.url, ca },
    activation: { url: `${activation.url.replace(/\/$/, '')}/activate`, ca, code: DEMO_CODE },
    mqtt: { url: cloud.mqtt.url, ca },
  }
}

export function writeLocalFile(state: string, local: LocalFile): void {
  writeSecret(join(state, 'local.json'), local)
}

/** The demo device, activated and registered; `onNotification` gets what arrives. */
export async function startDemoDevice(
  local: LocalFile,
  state: string,
  onNotification: (notification: Notification) => void,
): Promise<{ readonly device: Device; readonly token: string }> {
  const { url, ca, code } = local.activation
  // a device keeps its broker's address, so another port makes another device
  const { port } = new URL(local.mqtt.url)
  const device = await openDevice({
    directory: join(state, 'demo', `device-${port}`),
    activation: { url, code, ca: readFileSync(ca, 'utf8') },
  })
  device.onNotification(onNotification)
  await inTime(device.connect(), 'the demo device cannot connect')
  return { device, token: await device.register(DEMO_TOPIC) }
}

const DEMO_LIMIT_MS = 30_000

/** A device keeps trying forever; a demo must not. */
function inTime<T>(work: Promise<T>, failure: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const text = `${failure} within ${DEMO_LIMIT_MS / 1000} s: see the logs in the state folder`
    const timer = setTimeout(() => reject(new Error(text)), DEMO_LIMIT_MS)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Sends one notification with node-apn as any provider would. */
export async function sendDemo(local: LocalFile, token: string, text: string): Promise<void> {
  const { url, ca, cert, key, topic } = local.provider
  const { hostname, port } = new URL(url)
  const provider = new apn.Provider({ address: hostname, port: Number(port), ca: [ca], cert, key })
  const notification = new apn.Notification({ alert: text, topic, pushType: 'alert' })
  try {
    const { failed } = await provider.send(notification, token)
    const [failure] = failed
    if (failure)
      throw new Error(
        `the demo notification was refused: ${JSON.stringify(failure.response ?? failure.error)}`,
      )
  } finally {
    await provider.shutdown()
  }
}
