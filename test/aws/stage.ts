import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { stackOutputs } from '../../aws/operator/stack-outputs.ts'
import { DEMO_TOPIC, type LocalFile } from '../../bin/demo.ts'
import { type Deployment, openDeployment } from '../../cli/deployment.ts'
import { inviteDevices } from '../../cli/operations/invite.ts'
import { issueProvider } from '../../cli/operations/issue-provider.ts'
import { revokeProvider } from '../../cli/operations/providers.ts'
import { topicForms } from '../../core/push-type.ts'
import { TargetError } from '../localstack/emulator.ts'
import type { TargetFile } from '../targets/target-file.ts'

export interface PreparedStage {
  /** Path of a TargetFile. */
  readonly targetFile: string
  /** Revokes the provider certificate of this run. */
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
    activation: { url: deployment.outputs.ActivationUrl, ca, code },
    mqtt: { url: mqttUrl(deployment), ca },
  }
  return {
    targetFile: write('target.json', JSON.stringify(await targetFile(deployment, local))),
    async close() {
      await revokeProvider(deployment, issued.fingerprint, 'cessationOfOperation')
      deployment.close()
    },
  }
}

/** The tests leave devices behind; where data is kept somebody has to want that. */
async function demandTestStage({ stage, clients }: Deployment): Promise<void> {
  const StackName = `Heliograph-${stage}-State`
  const { Stacks: [found] = [] } = await clients.cloudFormation.send(
    new DescribeStacksCommand({ StackName }),
  )
  if (!found?.EnableTerminationProtection) return
  throw new TargetError(
    `stage ${stage} keeps its data, and the tests leave some forty devices in it: use a stage with -c removal=destroy, or add --yes`,
  )
}

function mqttUrl({ outputs: { IotEndpoint } }: Deployment): string {
  const [host, port = '8883'] = IotEndpoint.split(':')
  return `mqtts://${host}:${port}`
}

const parts = ['State', 'Providers', 'Devices', 'Operations'] as const

async function targetFile(
  { stage, clients, outputs }: Deployment,
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
    apis: [{ name: 'activation', url: new URL(outputs.ActivationUrl).origin }],
    mqtt: { url: mqtt.href, host: mqtt.hostname, port: Number(mqtt.port) },
    outputs: Object.fromEntries(found),
    local,
  }
}
