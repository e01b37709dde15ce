import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { stackOutputs } from '@heliograph/aws/operator/stack-outputs'
import type { ProviderKeyId } from '@heliograph/protocol/identifiers'
import { topicForms } from '@heliograph/protocol/push-type'
import { DEMO_TOPIC, type LocalFile } from '../../bin/demo.ts'
import { openDeployment } from '../../packages/operator/src/aws-deployment.ts'
import type { AwsDeployment } from '../../packages/operator/src/aws-stage.ts'
import { draftPrivate } from '../../packages/operator/src/files.ts'
import { inviteDevices } from '../../packages/operator/src/operations/invite.ts'
import { issueProvider } from '../../packages/operator/src/operations/issue-provider.ts'
import {
  createProviderKey,
  newProviderKeyId,
  revokeProviderKey,
} from '../../packages/operator/src/operations/provider-keys.ts'
import { revokeProvider } from '../../packages/operator/src/operations/providers.ts'
import { TargetError } from '../../tools/emulators/emulator.ts'
import type { TargetFile } from '../../tools/emulators/target-file.ts'

export interface PreparedStage {
  /** Path of a TargetFile. */
  readonly targetFile: string
  /** Revokes the provider certificate and the provider key of this run. */
  close(): Promise<void>
}

/** Long enough for the tests and the most patient questions. */
const codeSeconds = 3 * 3600

/** Finds a deployed stage and makes what the tests need: a provider certificate and an activation code. */
export async function prepareStage(
  stage: string,
  { folder, yes }: { readonly folder: string; readonly yes: boolean },
): Promise<PreparedStage> {
  const deployment = await openDeployment({ stage })
  if (!yes) await demandTestStage(deployment)
  const issued = await issueProvider(deployment, { topics: topicForms(DEMO_TOPIC), days: 2 })
  const write = (name: string, data: string | Uint8Array) => {
    const path = join(folder, name)
    writeFileSync(path, data, { mode: 0o600 })
    return path
  }
  // not the code that every embedded cloud has: this one lets devices in
  const code = randomBytes(16).toString('hex')
  await inviteDevices(deployment, { code, reusable: true, ttlSeconds: codeSeconds })
  const ca = write('roots.pem', rootCertificates.join('\n'))
  const keyId = newProviderKeyId()
  const providerToken = await tokenFileOf(deployment, { keyId, ca, folder })
  const local: LocalFile = {
    provider: {
      url: deployment.outputs.ProviderUrl,
      topic: DEMO_TOPIC,
      ca,
      cert: write('app.pem', issued.certificatePem),
      key: write('app.key', issued.keyPem),
      p12: write('app.p12', issued.p12),
      passphrase: issued.passphrase,
    },
    channels: { url: deployment.outputs.ProviderUrl, ca },
    ...(providerToken && { providerToken }),
    activation: { url: deployment.outputs.ActivationUrl, ca, code },
    mqtt: { url: mqttUrl(deployment), ca },
  }
  return {
    targetFile: write('target.json', JSON.stringify(await targetFile(deployment, local))),
    async close() {
      await revokeProvider(deployment, issued.fingerprint, 'cessationOfOperation')
      if (providerToken) await revokeProviderKey(deployment, keyId)
      deployment.close()
    },
  }
}

interface TokenFileOptions {
  readonly keyId: ProviderKeyId
  readonly ca: string
  readonly folder: string
}

/** A provider key of this run, where the stage takes tokens. */
async function tokenFileOf(
  deployment: AwsDeployment,
  { keyId, ca, folder }: TokenFileOptions,
): Promise<LocalFile['providerToken']> {
  const { TokenUrl: url } = deployment.outputs
  if (!url) return undefined
  const teamId = 'HELIOGRAPH'
  const order = { team: teamId, keyId, topics: topicForms(DEMO_TOPIC) }
  const key = join(folder, `AuthKey_${keyId}.p8`)
  await createProviderKey(deployment, order, (p8) => draftPrivate(key, p8, false))
  return { url, ca, teamId, keyId, key }
}

/** The tests leave devices behind; where data is kept somebody has to want that. */
async function demandTestStage({ stage, clients }: AwsDeployment): Promise<void> {
  const StackName = `Heliograph-${stage}-State`
  const { Stacks: [found] = [] } = await clients.cloudFormation.send(
    new DescribeStacksCommand({ StackName }),
  )
  if (!found?.EnableTerminationProtection) return
  throw new TargetError(
    `stage ${stage} keeps its data, and the tests leave some forty devices in it: use a stage with -c removal=destroy, or add --yes`,
  )
}

function tokenApi(url: string) {
  return { name: 'tokens', url, domain: new URL(url).hostname }
}

function mqttUrl({ outputs: { IotEndpoint } }: AwsDeployment): string {
  const [host, port = '8883'] = IotEndpoint.split(':')
  return `mqtts://${host}:${port}`
}

const parts = ['State', 'Providers', 'Devices', 'Operations'] as const

async function targetFile(
  { stage, clients, outputs }: AwsDeployment,
  local: LocalFile,
): Promise<TargetFile> {
  const found = await Promise.all(
    parts.map(async (part) => {
      const name = `Heliograph-${stage}-${part}`
      return [name, (await stackOutputs(clients.cloudFormation, name)) ?? {}] as const
    }),
  )
  const [, , , region = '', accountId = ''] = outputs.ProviderAuthorityKey.split(':')
  const { hostname: domain, port } = new URL(outputs.ProviderUrl)
  const mqtt = new URL(local.mqtt.url)
  return {
    kind: 'aws',
    stage,
    endpoint: '',
    logsEndpoint: `https://logs.${region}.amazonaws.com/`,
    identity: { accountId, region },
    caFile: local.provider.ca,
    // whoever runs this has credentials of their own
    environment: {},
    mutualTlsApis: [{ domain, url: outputs.ProviderUrl, port: Number(port || 443) }],
    apis: [
      { name: 'activation', url: new URL(outputs.ActivationUrl).origin },
      ...(local.providerToken ? [tokenApi(local.providerToken.url)] : []),
    ],
    mqtt: { url: mqtt.href, host: mqtt.hostname, port: Number(mqtt.port) },
    outputs: Object.fromEntries(found),
    local,
  }
}
