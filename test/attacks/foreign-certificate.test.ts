import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  IoTClient,
  RegisterCertificateWithoutCACommand,
} from '@aws-sdk/client-iot'
import { afterAll, expect, it } from 'vitest'
import { issue } from '../../packages/embedded-cloud/test/gateway-support.ts'
import { welcomeOperator } from '../e2e/operator-support.ts'
import { type Attacker, openAttacker, revoke } from '../e2e/renewals.ts'
import { sharing } from '../e2e/shared-target.ts'
import { clientOptions, PlainDevice, settle, until } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

let target: Target
let iot: IoTClient
sharing.beforeAll(({ target: shared }) => {
  target = shared
  welcomeOperator(target)
  iot = new IoTClient(clientOptions(target))
})
afterAll(() => iot?.destroy())

/** Somebody who may write to IoT Core's registry gives a known device one more certificate. */
async function attachBehindItsBack(owner: Attacker): Promise<PlainDevice> {
  const { cert, key } = await issue({ subject: 'CN=stranger' })
  const { certificateArn: principal = '' } = await iot.send(
    new RegisterCertificateWithoutCACommand({ certificatePem: cert, status: 'ACTIVE' }),
  )
  const policyName = `heliograph-${target.stage}-device`
  await iot.send(new AttachPolicyCommand({ policyName, target: principal }))
  await iot.send(new AttachThingPrincipalCommand({ thingName: owner.deviceId, principal }))
  return new PlainDevice({ key, answer: { ...owner.activation.answer, certificate: cert } })
}

it('a certificate that the service did not give is of no use, and is revoked with the device', async () => {
  const { topic } = target.local.provider
  const owner = await openAttacker(target)
  const { publish } = owner.activation.answer
  await owner.device.publish(publish.register, { topic })
  const { token } = await owner.device.take('heliograph/token')
  await owner.device.close()

  const stranger = await attachBehindItsBack(owner)
  await stranger.connect()
  await stranger.publish(publish.connect, { tokens: [token] })
  await stranger.publish(publish.register, { topic })
  await stranger.publish(publish.unregister, { topic })
  await until(() => target.logs.filter((line) => line.includes('its own')).length >= 3 || undefined)
  await settle()
  expect(stranger.messages).toEqual([])
  await stranger.close()

  const back = new PlainDevice(owner.activation)
  await back.connect()
  await back.publish(publish.connect, { tokens: [token] })
  expect(await back.take('heliograph/connected')).toMatchObject({ accepted: [topic] })

  expect(await revoke(target, owner.deviceId)).toMatchObject({ certificates: 2 })
  await expect(stranger.connect()).rejects.toThrow('refused')
})
