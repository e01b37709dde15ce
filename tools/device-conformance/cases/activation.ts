import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import type { ScriptedCase } from '../case.ts'
import type { Driver } from '../driver.ts'
import { strangeCertificate } from '../service/authority.ts'
import { type AnswerActivation, reply, startEndpoint } from '../service/endpoint.ts'
import { CODE } from '../service/service.ts'
import { settle, until } from '../until.ts'
import type { World } from '../world.ts'

const activate = (driver: Driver) => driver.do<{ deviceId: string }>({ do: 'activate' })

/** The n-th request (from 0) gets the n-th answer, all further ones the service's own. */
function answers(world: World, list: readonly AnswerActivation[]): void {
  const { service } = world
  let number = 0
  service.endpoint.answer = (asked, response) => {
    const answer = list[number++]
    return answer ? answer(asked, response) : service.activate(asked, response)
  }
}

const times = (count: number, answer: AnswerActivation) =>
  Array.from({ length: count }, () => answer)

const lost: AnswerActivation = (_asked, response) => void response.destroy()

/** Ends before the length that it has told. */
const cutShort: AnswerActivation = (_asked, response) => {
  response.writeHead(201, { 'content-type': 'application/json', 'content-length': '500' })
  response.write('{}', () => response.socket?.end())
}

const busy: AnswerActivation = (_asked, response) =>
  reply(response, 503, { reason: 'ServiceUnavailable', detail: 'later' })

const inLine: AnswerActivation = (_asked, response) =>
  reply(response, 429, { reason: 'TooManyActivations', detail: 'later' }, { 'retry-after': '1' })

const faulty: AnswerActivation = (_asked, response) =>
  reply(response, 503, { reason: 'ServiceUnavailable', detail: 'later' }, { 'retry-after': '1' })

function sameKey(world: World): void {
  const { asked } = world.service.endpoint
  assert.equal(new Set(asked.map(({ key }) => key)).size, 1, 'each request has the same key')
  for (const { activationCode } of asked) assert.equal(activationCode, CODE)
}

async function refusedBefore(world: World, url: string): Promise<void> {
  const activation = { url, code: CODE, ca: world.service.keys.authority.certificate }
  const driver = await world.open({ activation })
  const { reason } = await driver.refusal({ do: 'activate' })
  assert.equal(reason, 'ActivationUnreachable')
}

/** Keeps answering until the device hangs up. */
async function flood(response: ServerResponse): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const closed = new Promise((resolve) => response.once('close', resolve))
  response.writeHead(201, { 'content-type': 'application/json' })
  while (!response.destroyed)
    if (!response.write(chunk))
      await Promise.race([closed, new Promise((resolve) => response.once('drain', resolve))])
}

/** What the buffers of two sockets can hold beside what the device reads. */
const MOST_BUFFERED = 16 * 1024 * 1024

export const activationCases: Readonly<Record<string, ScriptedCase>> = {
  async A1(world) {
    const { endpoint } = world.service
    const first = await world.open()
    const { deviceId } = await activate(first)
    assert.equal(deviceId, world.service.deviceId())
    assert.deepEqual(endpoint.malformed, [])
    assert.match(endpoint.asked[0]?.contentType ?? '', /^application\/json\b/)
    assert.equal(endpoint.asked[0]?.activationCode, CODE)
    await first.kill()
    const second = await world.runs.start()
    const opened = await second.do({ do: 'open', directory: world.runs.directory() })
    assert.equal(opened.deviceId, deviceId)
    await second.do({ do: 'connect' })
    assert.equal(endpoint.asked.length, 1)
  },

  async A2(world) {
    answers(world, [lost, cutShort])
    await activate(await world.open())
    assert.equal(world.service.endpoint.asked.length, 3)
    sameKey(world)
  },

  async A3(world) {
    const { endpoint } = world.service
    answers(world, [() => {}])
    const first = await world.open()
    first.ask({ do: 'activate' }).catch(() => {})
    await until(() => endpoint.asked.length > 0, 'a request')
    await first.kill()
    await activate(await world.open())
    assert.equal(endpoint.asked.length, 2)
    sameKey(world)
  },

  async A4(world) {
    const { endpoint } = world.service
    answers(world, [...times(4, busy), ...times(4, lost)])
    const driver = await world.open()
    assert.equal((await driver.refusal({ do: 'activate' })).reason, 'ServiceUnavailable')
    assert.equal(endpoint.asked.length, 4)
    assert.equal((await driver.refusal({ do: 'activate' })).reason, 'ActivationUnreachable')
    assert.equal(endpoint.asked.length, 8)
    await activate(driver)
    sameKey(world)
  },

  async A5(world) {
    const { asked } = world.service.endpoint
    answers(world, [...times(4, inLine), ...times(4, faulty)])
    await activate(await world.open())
    assert.equal(asked.length, 9)
    sameKey(world)
    const gaps = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0))
    for (const gap of gaps) assert.ok(gap > 950, `asked again after ${gap} ms`)
  },

  async A6(world) {
    const detail = 'this activation code has been used'
    answers(
      world,
      times(9, (_asked, response) =>
        reply(response, 403, { reason: 'UsedActivationCode', detail }),
      ),
    )
    const { reason } = await (await world.open()).refusal({ do: 'activate' })
    assert.equal(reason, 'UsedActivationCode')
    await settle()
    assert.equal(world.service.endpoint.asked.length, 1)
  },

  async A7(world) {
    const { service } = world
    service.endpoint.answer = async (asked, response) => {
      const answer = await service.activation(asked)
      const certificate = await strangeCertificate(service.keys.authority, String(answer.deviceId))
      reply(response, 201, { ...answer, certificate })
    }
    const driver = await world.open()
    assert.equal((await driver.refusal({ do: 'activate' })).reason, 'ActivationRefused')
    await driver.kill()
    const next = await world.runs.start()
    const opened = await next.do({ do: 'open', directory: world.runs.directory() })
    assert.equal(opened.deviceId, null)
  },

  async A8(world) {
    const { keys, endpoint } = world.service
    for (const pair of [keys.wrongHost, keys.wrongAuthority]) {
      const wrong = await startEndpoint(pair, () => {})
      await refusedBefore(world, wrong.url).finally(() => wrong.close())
      assert.deepEqual([...wrong.asked, ...wrong.malformed], [])
    }
    await refusedBefore(world, endpoint.url.replace('https', 'http'))
  },

  async A9(world) {
    const driver = await world.runs.open({ directory: world.runs.directory() })
    assert.equal((await driver.refusal({ do: 'activate' })).reason, 'NotActivated')
    assert.equal((await driver.refusal({ do: 'connect' })).reason, 'NotActivated')
  },

  async A10(world) {
    const written: number[] = []
    world.service.endpoint.answer = async (_asked, response) => {
      const { socket } = response
      await flood(response)
      written.push(socket?.bytesWritten ?? 0)
    }
    await (await world.open()).refusal({ do: 'activate' })
    await until(() => written.length === world.service.endpoint.asked.length, 'the end of each')
    for (const bytes of written) assert.ok(bytes < MOST_BUFFERED, `the device took ${bytes} bytes`)
  },

  async A11(world) {
    const { endpoint } = world.service
    for (const answer of [() => {}, faulty]) {
      const before = endpoint.asked.length
      endpoint.answer = answer
      const driver = await world.open()
      const ended = driver.refusal({ do: 'connect' })
      await until(() => endpoint.asked.length > before, 'the request')
      await settle(answer === faulty ? 300 : 0)
      await driver.do({ do: 'close' })
      assert.equal((await ended).reason, 'Closed')
      await settle(answer === faulty ? 3_000 : 0)
      assert.equal(endpoint.asked.length, before + 1)
    }
  },
}
