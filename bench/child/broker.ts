import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AttachPolicyCommand,
  IoTClient,
  RegisterCertificateWithoutCACommand,
} from '@aws-sdk/client-iot'
import { startEndpoint } from '../../packages/embedded-cloud/src/endpoint.ts'
import { startIot } from '../../packages/embedded-cloud/src/iot/iot.ts'
import { loadTls } from '../../packages/embedded-cloud/src/tls.ts'

/** What the broker's process tells its parent once it answers. */
export interface BrokerReady {
  readonly mqttPort: number
  readonly endpoint: string
  /** PEM of the CA of the broker's certificate. */
  readonly authority: string
  readonly resident: number
}

/**
 * The embedded cloud's IoT Core alone, in a process of its own, so that its memory is that of the
 * connections. Argument: the PEM of a certificate that may connect under any client id.
 */
async function main(certificate: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-broker-'))
  const tls = await loadTls(folder, [])
  const iot = await startIot({
    identity: { accountId: '000000000000', region: 'us-east-1' },
    tls,
    host: '127.0.0.1',
    mqttPort: 0,
    stateFile: join(folder, 'iot.jsonl'),
    retainedFile: join(folder, 'iot-retained.jsonl'),
    functions: {
      invoke: () => Promise.reject(new Error('there are no functions here')),
      invokeAsync: () => {},
    },
    sendToQueue: async () => {},
    permits: () => true,
    log: () => {},
  })
  const Action = ['iot:Connect', 'iot:Receive']
  const Statement = [{ Effect: 'Allow', Action, Resource: '*' }] as const
  iot.putPolicy('any', { Version: '2012-10-17', Statement })
  const endpoint = await startEndpoint({
    host: '127.0.0.1',
    port: 0,
    signers: () => ({ caller: { name: 'bench', may: () => true }, secretAccessKey: 'bench' }),
    services: iot.services,
    log: () => {},
  })
  await admit(endpoint.url, certificate)
  const ready: BrokerReady = {
    mqttPort: iot.port,
    endpoint: endpoint.url,
    authority: tls.ca,
    resident: process.memoryUsage.rss(),
  }
  process.send?.(ready)
  process.once('disconnect', () => {
    rmSync(folder, { recursive: true, force: true })
    process.exit(0)
  })
}

async function admit(endpoint: string, certificatePem: string): Promise<void> {
  const client = new IoTClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  })
  const { certificateArn } = await client.send(
    new RegisterCertificateWithoutCACommand({ certificatePem, status: 'ACTIVE' }),
  )
  await client.send(new AttachPolicyCommand({ policyName: 'any', target: certificateArn }))
  client.destroy()
}

await main(process.argv[2] ?? '')
