import { SendDirectMessageCommand } from '@aws-sdk/client-iot-data-plane'
import { afterAll, beforeAll, describe } from 'vitest'
import type { AwsDeployment } from '../../../packages/operator/src/aws-stage.ts'
import { activatePlainly, PlainDevice, startTarget } from '../../e2e/support.ts'
import type { Target } from '../../e2e/target.ts'
import { ask } from '../ask.ts'
import { openFor } from '../open.ts'

let target: Target
let deployment: AwsDeployment

beforeAll(async () => {
  target = await startTarget()
  deployment = await openFor(target)
})

afterAll(async () => {
  deployment?.close()
  await target?.close()
})

/** What IoT Core says of a direct message to this client. */
async function sendTo(clientId: string): Promise<string> {
  const began = performance.now()
  const client = deployment.clients.iotData(deployment.outputs.IotEndpoint)
  const command = new SendDirectMessageCommand({
    ...{ clientId, topic: 'heliograph/notification', payload: Buffer.from('{}') },
    ...{ confirmation: true, timeout: 2 },
  })
  try {
    const { message } = await client.send(command)
    return `200 ${message ?? ''}`
  } catch (fault) {
    const { name, message, $metadata, $response } = fault as Error & {
      $metadata?: { httpStatusCode?: number; attempts?: number }
      $response?: { headers?: Record<string, string> }
    }
    const id = $response?.headers?.['x-amzn-errortype'] ?? name
    const took = `${(performance.now() - began).toFixed(0)} ms, ${$metadata?.attempts ?? 1} attempts`
    return `${$metadata?.httpStatusCode} ${id}: ${message} (${took})`
  }
}

describe('SendDirectMessage', () => {
  ask(
    'What does IoT Core say of a client that was never there?',
    { expected: '404 ResourceNotFoundException', matches: /^404 ResourceNotFoundException/ },
    () => sendTo('never0there00000'),
  )

  ask(
    'What does it say of a client that has gone?',
    { expected: '404 ResourceNotFoundException', matches: /^404 ResourceNotFoundException/ },
    async () => {
      const activation = await activatePlainly(target)
      const device = new PlainDevice(activation)
      await device.connect()
      await device.close()
      return sendTo(activation.answer.deviceId)
    },
  )

  ask(
    'What does it say of a client that is connected and does not acknowledge?',
    {
      expected: '504 GatewayTimeoutException, after the timeout of 2 s for each of three attempts',
      matches: /^504 GatewayTimeoutException/,
    },
    async () => {
      const activation = await activatePlainly(target)
      const device = new PlainDevice(activation)
      // without its callback no PUBACK is sent
      device.client.handleMessage = () => {}
      await device.connect()
      const answer = await sendTo(activation.answer.deviceId)
      await device.close()
      return answer
    },
  )
})
