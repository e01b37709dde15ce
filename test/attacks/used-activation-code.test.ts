import { expect, it } from 'vitest'
import { makePrivateKey, makeRequest } from '../../packages/device/src/certificate.ts'
import { heliographJson, welcomeOperator } from '../e2e/operator-support.ts'
import { show } from '../e2e/renewals.ts'
import { sharing } from '../e2e/shared-target.ts'
import { type Activation, PlainDevice, postJson, until } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

let target: Target
sharing.beforeAll(({ target: shared }) => {
  target = shared
  welcomeOperator(target)
})

it('a used code gives the key that was replaced nothing, and its owner stays connected', async () => {
  const [{ code = '' } = {}] = await heliographJson<{ code: string }[]>(target, 'device', 'invite')
  const oldKey = makePrivateKey()
  const request = { csr: await makeRequest(oldKey), activationCode: code }
  const first = await postJson(target, request)
  // a lost answer may be asked for again
  expect(await postJson(target, request)).toEqual(first)
  const answer = JSON.parse(first.body) as Activation
  const old = new PlainDevice({ key: oldKey, answer })
  await old.connect()

  const key = makePrivateKey()
  await old.publish(answer.publish.renew, { csr: await makeRequest(key) })
  const { certificate } = (await old.take('heliograph/certificate')) as { certificate: string }
  await old.close()
  const owner = new PlainDevice({ key, answer: { ...answer, certificate } })
  await owner.connect()
  await owner.publish(answer.publish.renew, { inUse: true })
  const only = await until(async () => {
    const { certificates } = (await show(target, answer.deviceId)).device
    return certificates.length === 1 ? certificates : undefined
  })

  const again = await postJson(target, request)
  expect(again.status).toBe(403)
  expect(JSON.parse(again.body)).toMatchObject({ reason: 'UsedActivationCode' })
  expect((await show(target, answer.deviceId)).device.certificates).toEqual(only)
  await expect(new PlainDevice({ key: oldKey, answer }).connect()).rejects.toThrow('refused')
  await owner.publish(answer.publish.register, { topic: target.local.provider.topic })
  expect(await owner.take('heliograph/token')).toHaveProperty('token')
  await owner.close()
})
