import type { Log } from '@heliograph/aws/log'
import { readMulticast, writeMulticast } from '@heliograph/aws/notification-queue'
import type { Multicast } from '@heliograph/core/multicast'
import type { Sent } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { BEGIN_WITHIN_MS, MAX_RECEIVES, RECIPIENTS_AT_ONCE } from '@heliograph/protocol/retry'
import type { SQSRecord } from 'aws-lambda'
import { beforeEach, describe, expect, test } from 'vitest'
import { deliverHandler } from '../../lambdas/deliver/handler.ts'
import { Delivery } from '../../packages/core/test/delivery-support.ts'
import { newDevice, notification } from '../contract/samples.ts'

/** The message to many devices in deliver's hands. */

let world: Delivery
let back: { multicast: Multicast; delaySeconds: number | undefined }[]
let dead: Multicast[]
let put: { handle: string; seconds: number }[]
/** Whether the queues take what deliver gives back. */
let takes: boolean

const lines: string[] = []
const write = (message: string, fields = {}) => {
  lines.push(JSON.stringify({ message, ...fields }))
}
const log: Log = { info: write, warn: write, error: write }

beforeEach(() => {
  world = new Delivery()
  back = []
  dead = []
  put = []
  takes = true
  lines.length = 0
})

/** Registered devices, and what comes of a message to each. */
function crowd(count: number, receives = 0): Multicast {
  return Array.from({ length: count }, () => {
    const deviceId = newDevice()
    world.register(deviceId)
    const { clock } = world
    return { notification: notification({ deviceId, acceptedAt: clock.time }), receives }
  })
}

function answerBy(answers: ReadonlyMap<DeviceId, Sent>): void {
  const { send } = world.ports.connections
  world.ports.connections.send = async (deviceId, ...message) => {
    await send(deviceId, ...message)
    return answers.get(deviceId) ?? 'acknowledged'
  }
}

const record = (multicast: Multicast, receives = 1, id = 'm') =>
  ({
    messageId: id,
    receiptHandle: `handle of ${id}`,
    body: writeMulticast(multicast),
    attributes: { ApproximateReceiveCount: String(receives) },
  }) as SQSRecord

function handler() {
  const queue = (kept: (multicasts: readonly Multicast[], delay?: number) => void) => ({
    sendMulticasts: async (multicasts: readonly Multicast[], { delaySeconds = 0 } = {}) => {
      if (takes) kept(multicasts, delaySeconds)
      return new Set(takes ? multicasts.flat().map(({ notification: one }) => one) : [])
    },
  })
  return deliverHandler(
    {
      ...world.ports,
      isGenuine: async ({ seal }) => seal !== 'forged',
      notifications: queue((multicasts, delaySeconds) =>
        back.push(...multicasts.map((multicast) => ({ multicast, delaySeconds }))),
      ),
      deadLetters: queue((multicasts) => dead.push(...multicasts)),
      chance: () => 1,
    },
    async ({ receiptHandle: handle }, seconds) => {
      put.push({ handle, seconds })
    },
    log,
  )
}

const run = (...Records: SQSRecord[]) => handler()({ Records })
const done = { batchItemFailures: [] }
const failed = { batchItemFailures: [{ itemIdentifier: 'm' }] }
const seqs = (multicast: Multicast | undefined) =>
  multicast?.map(({ notification: { seq } }) => seq)

describe('a message to many devices', () => {
  test('reaches each, and each has its end', async () => {
    const multicast = crowd(100)
    expect(await run(record(multicast))).toEqual(done)
    expect(world.sent.map(({ seq }) => seq).toSorted()).toEqual(seqs(multicast)?.toSorted())
    expect(world.kinds).toEqual(Array(100).fill('delivered'))
  })

  test('is worked so many at a time, in the whole environment', async () => {
    let atOnce = 0
    let most = 0
    world.ports.connections.send = async () => {
      atOnce += 1
      most = Math.max(most, atOnce)
      await new Promise((resolve) => setTimeout(resolve, 2))
      atOnce -= 1
      return 'acknowledged'
    }
    expect(await run(record(crowd(100)), record(crowd(100), 1, 'n'))).toEqual(done)
    expect(most).toBe(RECIPIENTS_AT_ONCE)
  })

  test('each recipient has its own end: delivered, in its slot, refused, a duplicate', async () => {
    const multicast = crowd(4).map(({ notification: one, receives }) => ({
      notification: { ...one, idFromProvider: true },
      receives,
    }))
    const [online, offline, refused, repeated] = multicast.map((one) => one.notification)
    if (!online || !offline || !refused || !repeated) throw new Error('no crowd')
    answerBy(
      new Map<DeviceId, Sent>([
        [offline.deviceId, 'offline'],
        [refused.deviceId, 'refused'],
      ]),
    )
    await world.ports.claims.claim({ ...repeated, seq: online.seq })
    expect(await run(record(multicast))).toEqual(done)
    expect(world.kinds.toSorted()).toEqual(['delivered', 'duplicate', 'stored', 'undeliverable'])
    const stored = await world.ports.pending.list(offline.deviceId)
    expect(stored.map(({ seq }) => seq)).toEqual([offline.seq])
    expect(world.feedback().map(({ reason }) => reason)).toEqual(['Undeliverable'])
  })

  test('whose time has passed ends for each', async () => {
    const late = crowd(2).map(({ notification: one }) => ({
      notification: { ...one, expiration: 1 },
      receives: 0,
    }))
    expect(await run(record(late))).toEqual(done)
    expect(world.sent).toEqual([])
    expect(world.feedback().map(({ reason }) => reason)).toEqual(['Expired', 'Expired'])
  })

  test('gives back only those that failed, with their count and a rest', async () => {
    const multicast = crowd(10)
    const busy = multicast.slice(2, 5)
    answerBy(new Map(busy.map(({ notification: { deviceId } }) => [deviceId, 'busy'])))
    expect(await run(record(multicast, 2))).toEqual(done)
    expect(back).toEqual([
      { multicast: busy.map((one) => ({ ...one, receives: 2 })), delaySeconds: 4 },
    ])
    expect(dead).toEqual([])
    expect(world.kinds).toEqual(Array(7).fill('delivered'))
  })

  test('what is given back counts on: its attempts are those of the recipient', async () => {
    const [one] = crowd(1, 3)
    answerBy(new Map([[one!.notification.deviceId, 'busy']]))
    // the fourth attempt at a busy device is the last for its own sake
    expect(await run(record([one!]))).toEqual(done)
    expect(world.kinds).toEqual(['stored'])
  })

  test('stays whole where nobody was reached', async () => {
    world.answers = ['busy']
    expect(await run(record(crowd(3)))).toEqual(failed)
    expect(back).toEqual([])
    expect(put).toEqual([{ handle: 'handle of m', seconds: 2 }])
  })

  test('a fault of one recipient is its own', async () => {
    const multicast = crowd(3)
    const { find } = world.ports.pending
    world.ports.pending.find = async (deviceId, topic) => {
      if (deviceId === multicast[1]?.notification.deviceId) throw new Error('no route')
      return find(deviceId, topic)
    }
    expect(await run(record(multicast, 2))).toEqual(done)
    expect(back.map((one) => seqs(one.multicast))).toEqual([[multicast[1]?.notification.seq]])
  })

  test('one that accept did not seal is not delivered, the others are', async () => {
    const multicast = crowd(3)
    const forged = { ...multicast[1]!.notification, seal: 'forged' }
    const mixed = multicast.map((one, at) => (at === 1 ? { ...one, notification: forged } : one))
    expect(await run(record(mixed))).toEqual(done)
    expect(world.sent).toHaveLength(2)
    expect(seqs(back[0]?.multicast)).toEqual([forged.seq])
    expect(lines.join()).toContain('no good seal')
  })

  test('after the last attempt goes to the dead letters, where it begins anew', async () => {
    const multicast = [...crowd(1), ...crowd(1, 5)]
    const fault = () => Promise.reject(new Error('no route'))
    world.ports.connections.send = fault
    expect(await run(record(multicast, MAX_RECEIVES - 5))).toEqual(done)
    expect(back.map((one) => seqs(one.multicast))).toEqual([seqs(multicast.slice(0, 1))])
    expect(dead).toEqual([[{ ...multicast[1], receives: 0 }]])
    expect(world.kinds).toEqual(['dead-lettered'])
  })

  test('the queue moves it by itself where nobody was reached until the last', async () => {
    world.ports.connections.send = () => Promise.reject(new Error('no route'))
    expect(await run(record(crowd(2), MAX_RECEIVES))).toEqual(failed)
    expect([back, dead]).toEqual([[], []])
    expect(world.kinds).toEqual(['dead-lettered', 'dead-lettered'])
  })

  test('keeps its message until the queue holds what is left of it', async () => {
    const multicast = crowd(2)
    answerBy(new Map([[multicast[0]!.notification.deviceId, 'busy']]))
    takes = false
    expect(await run(record(multicast))).toEqual(failed)
    expect(put).toHaveLength(1)
  })

  test('what there is no time left for is not begun, and given back', async () => {
    const multicast = crowd(RECIPIENTS_AT_ONCE + 20)
    const { send } = world.ports.connections
    world.ports.connections.send = async (...message) => {
      await Promise.resolve()
      world.clock.time += BEGIN_WITHIN_MS / RECIPIENTS_AT_ONCE + 1
      return send(...message)
    }
    expect(await run(record(multicast))).toEqual(done)
    expect(world.kinds).toHaveLength(RECIPIENTS_AT_ONCE)
    expect(seqs(back[0]?.multicast)).toEqual(seqs(multicast.slice(RECIPIENTS_AT_ONCE)))
  })

  test('that cannot be read is a dead letter as fast as can be', async () => {
    const bad = { ...record(crowd(1)), body: 'multicast:{"recipients":[[]]}' }
    expect(await run(bad)).toEqual(failed)
    expect(put).toEqual([{ handle: 'handle of m', seconds: 0 }])
    expect(readMulticast(bad.body)).toBeUndefined()
  })
})
