import type { TokenKeyId, Topic } from '@heliograph/protocol/identifiers'
import { describe, expect, test } from 'vitest'
import {
  FORGED_SEAL,
  isGenuine,
  later,
  newDevice,
  notification,
  SetClock,
  seqAt,
} from '../../../test/contract/samples.ts'
import { memoryPending, PendingStore } from '../../../tools/simulate/ports/pending.ts'
import { genuineBy, isSealed, sealedLater, sealNotification } from '../src/delivery/seal.ts'
import { type Notification, parseNotification, serializeNotification } from '../src/notification.ts'
import type { TokenKey } from '../src/ports.ts'

const keyOf = (fill: number, state: TokenKey['state'] = 'primary'): TokenKey => ({
  id: `01J0000000000000000000000${fill}` as TokenKeyId,
  state,
  createdAt: 0,
  key: new Uint8Array(64).fill(fill),
})
const [one, two] = [keyOf(1), keyOf(2)]

function sealed(changes: Partial<Notification> = {}, keys = [one]): Notification {
  const unsealed = notification(changes)
  return { ...unsealed, seal: sealNotification(keys, unsealed) }
}

describe('a seal', () => {
  test('is good for what was sealed, through a queue too', () => {
    for (const changes of [{}, { collapseId: 'x' }, { payload: '{"a":"\ud800\ufffe𝄞"}' }]) {
      const genuine = sealed(changes)
      expect(genuine.seal).toMatch(/^[A-Za-z0-9_-]{22}$/)
      const read = parseNotification(serializeNotification(genuine))
      expect(read && isSealed([one], read)).toBe(true)
    }
  })

  test('is of the newest key that every ring knows by then, for else it would look forged', () => {
    const key = (fill: number, createdAt: number, state: TokenKey['state'] = 'accepted') => ({
      ...keyOf(fill, state),
      createdAt,
    })
    const nowMs = 1_000_000
    const sealer = (...keys: TokenKey[]) => {
      const one = sealed({ acceptedAt: nowMs }, keys)
      return keys.filter((key) => isSealed([key], one)).map(({ createdAt }) => createdAt)
    }
    const [old, known] = [key(1, 0), key(2, nowMs - 60_000)]
    const fresh = key(3, nowMs - 59_999, 'primary')
    expect(sealer(fresh, old, known)).toEqual([known.createdAt])
    expect(sealer(known, fresh)).toEqual([known.createdAt])
    // both are new: the older one has had more time
    expect(sealer(key(4, nowMs, 'primary'), fresh)).toEqual([fresh.createdAt])
    expect(sealer(key(4, nowMs, 'primary'))).toEqual([nowMs])
    expect(sealer(fresh, key(2, 0, 'retired'))).toEqual([fresh.createdAt])
  })

  test('is made when it is first asked for, and goes wherever the notification is written', () => {
    const { seal: _, ...unsealed } = notification()
    let asked = 0
    const counted: TokenKey = {
      ...one,
      get key() {
        asked += 1
        return one.key
      },
    }
    const later = sealedLater(unsealed, [counted])
    expect(asked).toBe(0)
    expect(later.seal).toBe(sealNotification([one], unsealed))
    const asSealed = asked
    const copies = [
      JSON.parse(JSON.stringify(later)),
      parseNotification(serializeNotification(later)),
    ]
    for (const copy of copies) expect(copy && isSealed([one], copy)).toBe(true)
    expect(asked).toBe(asSealed)
  })

  test('stays the same: it is kept for a month', () => {
    const fixed = {
      id: '8F1C3F0E-0000-4000-8000-000000000001',
      uniqueId: 'u',
      idFromProvider: true,
      seq: '01J00000000000000000000000',
      deviceId: 'abcdefghjkmnpqrs',
      topic: 'com.example.app',
      tokenFingerprint: '0123456789ab',
      acceptedAt: 1,
      expiration: 2,
      priority: 10,
      pushType: 'alert',
      payload: '{}',
    } as unknown as Notification
    // a key that nothing has been derived from yet
    expect(sealNotification([keyOf(1)], fixed)).toBe('ByrUQDZfgT9XT-mUEn3S3Q')
  })

  const plain = notification({ collapseId: 'x', perCollapseId: 3 })
  const sealedPlain = () => ({ ...plain, seal: sealNotification([one], plain) })
  const changes: readonly Partial<Notification>[] = [
    { id: notification().id },
    { uniqueId: 'other' },
    { idFromProvider: true },
    { seq: seqAt(1) },
    { deviceId: newDevice() },
    { topic: 'com.example.other' as Topic },
    { tokenFingerprint: '000000000000' },
    { acceptedAt: 0 },
    { expiration: plain.expiration + 1 },
    { priority: 5 },
    { pushType: 'background' },
    { collapseId: 'y' },
    { perCollapseId: 4 },
    { payload: `${plain.payload} ` },
  ]
  test('covers every field', () => {
    const { seal: _seal, ...fields } = plain
    const covered = changes.flatMap((change) => Object.keys(change))
    expect(covered.sort()).toEqual(Object.keys(fields).sort())
  })

  test.each(changes)('is not good for %j', (change) => {
    expect(isSealed([one], { ...sealedPlain(), ...change })).toBe(false)
  })

  test.each([
    ['empty', () => ''],
    ['a letter', () => 'A'],
    ['a letter short', (seal: string) => seal.slice(1)],
    ['longer', (seal: string) => `${seal}AAAA`],
    ['another', () => 'A'.repeat(22)],
  ])('is not %s', (_what, change) => {
    const genuine = sealedPlain()
    expect(isSealed([one], genuine)).toBe(true)
    expect(isSealed([one], { ...genuine, seal: change(genuine.seal) })).toBe(false)
  })

  test('counts while its key is live, and not once that is retired', () => {
    const old = sealed({}, [one])
    expect(isSealed([two, { ...one, state: 'accepted' }], old)).toBe(true)
    expect(isSealed([two], old)).toBe(false)
  })
})

const clock = new SetClock()

describe('a notification is genuine', () => {
  const ring = (known: TokenKey[], anew = known) => ({
    keys: async () => known,
    refreshed: async () => anew,
  })

  test('also where its key is younger than the ring that was read', async () => {
    const genuine = sealed({}, [two])
    expect(await genuineBy(ring([one], [two, one]), clock, 0)(genuine)).toBe(true)
    expect(await genuineBy(ring([one]), clock, 0)(genuine)).toBe(false)
  })

  test('without a seal only until a time that is set', async () => {
    const old = notification()
    expect(await genuineBy(ring([one]), clock, 0)(old)).toBe(false)
    expect(await genuineBy(ring([one]), clock, clock.time + 1)(old)).toBe(true)
    expect(await genuineBy(ring([one]), clock, clock.time)(old)).toBe(false)
  })
})

describe('slots of which some are forged', () => {
  const forged = { seal: FORGED_SEAL }
  const at = (older: Notification, ms: number, changes = {}) => later(older, ms, changes)

  /** What happens to the table before each of its calls. */
  function slotsWith(store: PendingStore, before: (operation: string, call: number) => void) {
    let calls = 0
    return memoryPending(
      store,
      async (operation, _subject, effect) => {
        calls += 1
        before(operation, calls)
        return effect()
      },
      isGenuine,
    )
  }

  test('a genuine newer one that comes before the second try stays', async () => {
    const store = new PendingStore()
    const mine = notification()
    const newer = at(mine, 1)
    store.forge(at(mine, 5, forged))
    // put, find, put: the newer one has replaced the forged one by then
    const slots = slotsWith(store, (_, call) => {
      if (call === 3) store.put(newer, clock.time, { notification: undefined, version: found() })
    })
    const found = () => store.find(mine.deviceId, mine.topic)
    expect(await slots.put(mine, clock.time)).toEqual({ kept: false })
    expect(found()).toEqual(newer)
  })

  test('a row that is gone by the time it is looked at is in nobody’s way', async () => {
    const store = new PendingStore()
    const mine = notification()
    const other = at(mine, 5)
    store.put(other, clock.time)
    const slots = slotsWith(store, (operation) => {
      if (operation === 'pending.find') store.remove(mine.deviceId, mine.topic, other.seq)
    })
    expect(await slots.put(mine, clock.time)).toEqual({ kept: true })
  })

  test('a list has the genuine ones only', async () => {
    const store = new PendingStore()
    const mine = notification()
    store.put(mine, clock.time)
    store.forge(at(mine, 5, { ...forged, topic: 'com.example.other' as Topic }))
    expect(await slotsWith(store, () => {}).list(mine.deviceId)).toEqual([mine])
  })

  test('one that is forged again and again is left to the queue, which tries again', async () => {
    const store = new PendingStore()
    const mine = notification()
    let puts = 0
    const slots = slotsWith(store, (operation) => {
      if (operation !== 'pending.put') return
      puts += 1
      store.forge(at(mine, 5, forged))
    })
    await expect(slots.put(mine, clock.time)).rejects.toThrow('someone keeps writing this slot')
    expect(puts).toBe(5)
  })
})
