import { join } from 'node:path'
import { registrations } from '@heliograph/aws/registrations'
import { parseDeviceId, parseTopic } from '@heliograph/protocol/identifiers'
import { MAX_REGISTRATIONS } from '@heliograph/protocol/limits'
import { expect, it } from 'vitest'
import { heliograph, openStage, welcomeOperator } from '../e2e/operator-support.ts'
import { type Attacker, openAttacker } from '../e2e/renewals.ts'
import { sharing } from '../e2e/shared-target.ts'
import { until } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

/** A device registers for every topic that it hears of: each is a slot, and a row of every drain. */

const topics = Array.from({ length: MAX_REGISTRATIONS + 1 }, (_, n) => `com.example.app${n}`)
const [first = '', second = ''] = topics
const [last = '', surplus = ''] = topics.slice(-2)

let target: Target
sharing.beforeAll(async ({ target: shared }) => {
  target = shared
  welcomeOperator(target)
  await heliograph(target, ['provider', 'issue', ...topics, '--out', join(target.state, 'all')])
})

/** All but one of what it may have, as it would have registered in the course of some minutes. */
async function fillUp({ deviceId }: Attacker): Promise<void> {
  const { clients, outputs, close } = await openStage(target)
  const store = registrations(clients.dynamoDb, outputs.RegistrationsTable)
  const id = parseDeviceId(deviceId)
  for (const topic of topics.slice(0, MAX_REGISTRATIONS - 1).map(parseTopic))
    if (id && topic) await store.change(id, topic, true, Date.now() - 1_000)
  close()
}

it(`has ${MAX_REGISTRATIONS} topics and no more, until it gives one up`, async () => {
  const attacker = await openAttacker(target)
  await fillUp(attacker)
  const { device, activation } = attacker
  const { publish } = activation.answer
  const isAnswer = ({ text }: { text: string }) => text.includes('token') || text.includes('reason')
  const register = async (topic: string) => {
    device.messages.length = 0
    await device.publish(publish.register, { topic })
    return JSON.parse((await until(() => device.messages.find(isAnswer))).text)
  }
  const tooMany = (topic: string) => ({
    reason: 'TooManyRegistrations',
    request: { kind: 'register', topic },
  })

  expect(await register(last)).toMatchObject({ topic: last, token: expect.any(String) })
  expect(await register(surplus)).toEqual(tooMany(surplus))
  // what it has already costs no more by being asked for again
  expect(await register(first)).toMatchObject({ topic: first, token: expect.any(String) })

  await device.publish(publish.unregister, { topic: second })
  const isDone = (line: string) =>
    line.includes(attacker.deviceId) && line.includes('"result":"unregistered"')
  await until(() => target.logs.some(isDone) || undefined)
  expect(await register(surplus)).toMatchObject({ topic: surplus, token: expect.any(String) })
  expect(await register(second)).toEqual(tooMany(second))
  await device.close()
})
