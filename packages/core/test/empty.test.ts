import type { DeviceId } from '@heliograph/protocol/identifiers'
import { describe, expect, test } from 'vitest'
import {
  type Emptying,
  type EmptyPorts,
  emptyStage,
  startOfEmptying,
} from '../src/devices/empty.ts'
import type { Fleet, FleetDevice } from '../src/ports.ts'

/** A registry in memory: a call takes a second of its own clock. */
function setting(count: number) {
  const names = Array.from({ length: count }, (_, index) => String(index).padStart(16, '0'))
  const holders = new Set(names)
  const things = new Set(names)
  let now = 0
  let policy = true
  let conflicts = 0
  const fleet: Fleet = {
    holders: async () => [...holders].slice(0, 50),
    async release(holder) {
      now += 1_000
      return holders.delete(holder)
    },
    async devices(after = '') {
      const rest = names.filter((name) => name > after)
      const some = rest
        .slice(0, 50)
        .map((name): FleetDevice => ({ deviceId: name as DeviceId, certificateIds: [name] }))
      const last = some.at(-1)?.deviceId
      return rest.length > 50 && last ? { some, next: last } : { some }
    },
    async remove({ deviceId }) {
      now += 1_000
      things.delete(deviceId)
    },
    async removePolicy() {
      if (holders.size > 0 || conflicts > 0) {
        conflicts -= 1
        return false
      }
      policy = false
      return true
    },
  }
  const waits: number[] = []
  const ports: EmptyPorts = {
    clock: { now: () => now },
    fleet,
    wait: async (ms) => {
      waits.push(ms)
      now += ms
    },
  }
  return {
    ports,
    waits,
    left: () => ({ holders: holders.size, things: things.size, policy }),
    add: (holder: string) => holders.add(holder),
    refuse: (times: number) => {
      conflicts = times
    },
    now: () => now,
  }
}

const nothing = { holders: 0, things: 0, policy: false }
const endless = { until: Number.POSITIVE_INFINITY, withPolicy: true }

/** Rounds of so many milliseconds, the state written and read between them as an event is. */
async function rounds(ports: EmptyPorts, ms: number) {
  let state: Emptying = startOfEmptying
  let count = 0
  for (; state.step !== 'done' && count < 50; count += 1) {
    const round = { until: ports.clock.now() + ms, withPolicy: true }
    state = JSON.parse(JSON.stringify(await emptyStage(state, ports, round)))
  }
  return { state, count }
}

describe('emptying a stage', () => {
  test('leaves nothing of a thousand devices, in rounds that end in time', async () => {
    const { ports, left, now } = setting(1_000)
    const { state, count } = await rounds(ports, 12 * 60_000)
    expect(left()).toEqual(nothing)
    expect(state).toEqual({ step: 'done', certificates: 1_000, devices: 1_000 })
    // 2,000 s of work in rounds of 720, each of which may finish the 50 that it has begun
    expect(count).toBe(3)
    expect(now()).toBe(2_000_000)
  })

  test('does nothing when its time is over', async () => {
    const { ports, left } = setting(3)
    const state = await emptyStage(startOfEmptying, ports, { ...endless, until: 0 })
    expect(state).toEqual(startOfEmptying)
    expect(left()).toEqual({ holders: 3, things: 3, policy: true })
  })

  test('counts the certificates that it removed, not what another stage has too', async () => {
    const { ports } = setting(5)
    const { release } = ports.fleet
    const foreign = async (holder: string) => (await release(holder)) && Number(holder) > 1
    const state = await emptyStage(
      startOfEmptying,
      { ...ports, fleet: { ...ports.fleet, release: foreign } },
      endless,
    )
    expect(state).toEqual({ step: 'done', certificates: 3, devices: 5 })
  })

  test('says how far it has come, step by step', async () => {
    const { ports } = setting(1)
    const steps: string[] = []
    await emptyStage(
      startOfEmptying,
      { ...ports, progress: ({ step }) => steps.push(step) },
      endless,
    )
    expect(steps).toEqual(['holders', 'devices', 'policy', 'done'])
  })

  test('can be repeated when nothing is left', async () => {
    const { ports, left } = setting(3)
    await emptyStage(startOfEmptying, ports, endless)
    await emptyStage(startOfEmptying, ports, endless)
    expect(left()).toEqual(nothing)
  })

  test('waits for a policy that IoT Core still believes to be held', async () => {
    const { ports, left, refuse, waits } = setting(1)
    refuse(30)
    await emptyStage(startOfEmptying, ports, endless)
    // five minutes
    expect(waits).toEqual(Array(30).fill(10_000))
    expect(left()).toEqual(nothing)
  })

  test('goes back for whoever got the policy meanwhile', async () => {
    const { ports, left, add } = setting(1)
    const done = await emptyStage(startOfEmptying, ports, { ...endless, withPolicy: false })
    add('late')
    await emptyStage({ ...done, step: 'policy' }, ports, endless)
    expect(left()).toEqual(nothing)
  })

  test('leaves the policy where it is the stack that deletes it', async () => {
    const { ports, left } = setting(1)
    await emptyStage(startOfEmptying, ports, { ...endless, withPolicy: false })
    expect(left()).toEqual({ ...nothing, policy: true })
  })
})
