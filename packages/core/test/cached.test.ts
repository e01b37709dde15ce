import type { DeviceId, Fingerprint, ProviderKeyId, TeamId } from '@heliograph/protocol/identifiers'
import { beforeEach, describe, expect, test } from 'vitest'
import { newDevice, now, SetClock, topicA } from '../../../test/contract/samples.ts'
import { cachedProviderKeys, cachedProviders, cachedRegistrations } from '../src/cached.ts'
import type { ProviderRecord, Providers, Registration, Registrations } from '../src/ports.ts'

const fingerprint = 'f0'.repeat(32) as Fingerprint
const issued: ProviderRecord = {
  fingerprint,
  topics: [topicA],
  serial: '01',
  subject: 'UID=com.example.a',
  notBefore: now,
  notAfter: now + 1,
  issuedAt: now,
}
const revoked = { ...issued, revokedAt: now + 5 }

let clock: SetClock
let reads: number
/** What the table answers; called at the end of a read. */
let answer: () => ProviderRecord | undefined

beforeEach(() => {
  clock = new SetClock()
  reads = 0
  answer = () => issued
})

const table: Providers = {
  find: async () => {
    reads += 1
    return answer()
  },
  knowsTopic: async () => true,
}

const cached = (seconds = 30) => {
  const providers = cachedProviders(table, seconds, clock)
  return () => providers.find(fingerprint)
}

describe('a provider certificate', () => {
  test('is read once while it is believed, and a revocation counts after that', async () => {
    const find = cached(10)
    expect(await find()).toEqual(issued)
    answer = () => revoked
    clock.time += 9_999
    expect(await find()).toEqual(issued)
    expect(reads).toBe(1)
    clock.time += 1
    expect(await find()).toEqual(revoked)
  })

  test('is believed for no more than 30 s, whatever the setting says', async () => {
    const find = cached(3_600)
    await find()
    answer = () => revoked
    clock.time += 29_999
    expect(await find()).toEqual(issued)
    clock.time += 1
    expect(await find()).toEqual(revoked)
  })

  test('is as old as the start of the read that found it', async () => {
    const find = cached(10)
    answer = () => {
      clock.time += 8_000
      return issued
    }
    await find()
    answer = () => revoked
    clock.time += 2_000
    expect(await find()).toEqual(revoked)
  })

  test('that is revoked or unknown is looked up every time', async () => {
    const find = cached()
    answer = () => revoked
    expect(await find()).toEqual(revoked)
    answer = () => undefined
    expect(await find()).toBeUndefined()
    answer = () => issued
    expect(await find()).toEqual(issued)
    expect(reads).toBe(3)
  })

  test('that was seen revoked is not believed again on the strength of an earlier reading', async () => {
    const find = cached(10)
    await find()
    clock.time += 10_000
    answer = () => revoked
    await find()
    clock.time -= 10_000
    expect(await find()).toEqual(revoked)
  })

  test('that cannot be read is a fault, not an older answer', async () => {
    const find = cached(10)
    await find()
    clock.time += 10_000
    answer = () => {
      throw new Error('throttled')
    }
    await expect(find()).rejects.toThrow('throttled')
  })

  test('is read again after the clock was set back', async () => {
    const find = cached()
    await find()
    clock.time -= 1
    await find()
    expect(reads).toBe(2)
  })
})

test('the key of provider tokens is believed for no more than 30 s, either', async () => {
  const key = {
    keyId: 'ABCDE12345' as ProviderKeyId,
    teamId: 'TEAM123456' as TeamId,
    topics: [topicA],
    publicKey: '',
    createdAt: now,
  }
  const answers = [key, { ...key, revokedAt: now }, key]
  const keys = cachedProviderKeys(
    { find: async () => answers.shift(), knowsTopic: async () => true },
    3_600,
    clock,
  )
  const find = () => keys.find(key.keyId)
  await find()
  clock.time += 29_999
  expect(await find()).toEqual(key)
  clock.time += 1
  expect(await find()).toMatchObject({ revokedAt: now })
  expect(await find()).toEqual(key)
})

describe('a registration', () => {
  const deviceId = newDevice()
  const live: Registration = { deviceId, topic: topicA, live: true, registeredAt: now }
  const dead: Registration = { ...live, live: false, unregisteredAt: now }
  /** `read` reads one; the keys of every call are in `asked`. */
  const open = (read: Registrations['find'], seconds = 5) => {
    asked.length = 0
    const findAll: Registrations['findAll'] = (keys) => {
      asked.push(keys.map(({ deviceId: id }) => id))
      return Promise.all(keys.map((key) => read(key.deviceId, key.topic)))
    }
    const cached = cachedRegistrations({ findAll } as Registrations, seconds, clock)
    const find = async (...[id, topic]: Parameters<Registrations['find']>) =>
      (await cached.findAll([{ deviceId: id, topic }]))[0]
    return { find, findAll: cached.findAll }
  }
  const asked: DeviceId[][] = []

  test('is believed while it is live, and for as long as stated', async () => {
    const answers = [live, dead, live]
    const registrations = open(async () => answers.shift())
    const find = () => registrations.find(deviceId, topicA)
    expect(await find()).toEqual(live)
    clock.time += 4_999
    expect(await find()).toEqual(live)
    clock.time += 1
    expect(await find()).toEqual(dead)
    expect(await find()).toEqual(live)
  })

  test('of one device and topic says nothing of another', async () => {
    const other = newDevice()
    const registrations = open(async (device, topic) => ({ ...live, deviceId: device, topic }))
    await registrations.find(deviceId, topicA)
    expect(await registrations.find(other, topicA)).toMatchObject({ deviceId: other })
  })

  test('of several only those are read that are not known, each once', async () => {
    const [one, two, gone] = [newDevice(), newDevice(), newDevice()] as const
    const registrations = open(async (device, topic) =>
      device === gone ? undefined : { ...live, deviceId: device, topic },
    )
    await registrations.find(one, topicA)
    const keys = [two, one, gone, two].map((id) => ({ deviceId: id, topic: topicA }))
    const found = await registrations.findAll(keys)
    expect(found.map((each) => each?.deviceId)).toEqual([two, one, undefined, two])
    expect(asked).toEqual([[one], [two, gone]])
    await registrations.findAll(keys)
    expect(asked.at(-1)).toEqual([gone])
  })

  test('is forgotten, the one read longest ago first, before memory runs out', async () => {
    let found = 0
    const registrations = open(async (device, topic) => {
      found += 1
      return { ...live, deviceId: device, topic }
    })
    const devices = Array.from({ length: 50_001 }, (_, index) => `${index}` as typeof deviceId)
    for (const device of devices) await registrations.find(device, topicA)
    await registrations.find(devices[1]!, topicA)
    expect(found).toBe(50_001)
    await registrations.find(devices[0]!, topicA)
    expect(found).toBe(50_002)
  })
})
