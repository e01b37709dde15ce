import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Broadcasts } from '@heliograph/core/ports'
import type { ChannelId, Seq, Topic } from '@heliograph/protocol/identifiers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { broadcasts } from '../src/mqtt/broadcasts.ts'
import { openStore, type Store } from '../src/store/store.ts'

const channel = 'AbCdEfGhIjKlMnOpQrStUvWx' as ChannelId
const other = 'AbCdEfGhIjKlMnOpQrStUvWy' as ChannelId
const broadcast = { channel, topic: 'com.example.app' as Topic, seq: 'A' as Seq }
const second = 1_900_000_000
const key = new Uint8Array(32).fill(3)

let folder: string
let store: Store
let port: Broadcasts
/** What was sent and cleared, and what was on disk by then. */
let done: unknown[]
let hasRoom: boolean

const keptAt = (ms: number, id = channel) => store.retained.find(id, ms)?.message

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'machine-'))
  await open()
  done = []
  hasRoom = true
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(): Promise<void> {
  store = await openStore({ folder, key })
  port = broadcasts(
    {
      hasRoom: () => hasRoom,
      publish: (id, { payload, expiresAt }) =>
        void done.push([id, payload.toString(), expiresAt, keptAt(0, id)]),
      clear: (id) => void done.push(['cleared', id, keptAt(0, id)]),
    },
    store.retained,
  )
}

test('what is stored is on disk before it is sent', async () => {
  expect(await port.publish(broadcast, 'one', second)).toBe('published')
  expect(done).toEqual([[channel, 'one', second, 'one']])
})

test('what is not stored leaves what is', async () => {
  await port.publish(broadcast, 'one', second)
  expect(await port.publish(broadcast, 'two', 0)).toBe('published')
  expect(done[1]).toEqual([channel, 'two', 0, 'one'])
})

test('the latest takes the place of the one before, and channels do not meet', async () => {
  await port.publish(broadcast, 'one', second)
  await port.publish({ ...broadcast, channel: other }, 'other', second)
  await port.publish(broadcast, 'two', second + 10)
  expect(keptAt(second * 1_000)).toBe('two')
  expect(keptAt(0, other)).toBe('other')
})

test('it is kept up to its second, also by the next process, and then removed', async () => {
  await port.publish(broadcast, 'one', second)
  await store.close()
  await open()
  expect(keptAt(second * 1_000 - 1)).toBe('one')
  expect(keptAt(second * 1_000)).toBeUndefined()
  await store.sweep(second * 1_000 - 1, 100)
  expect(keptAt(0)).toBe('one')
  await store.sweep(second * 1_000, 100)
  expect(keptAt(0)).toBeUndefined()
})

test('a later one outlives the second of the one before', async () => {
  await port.publish(broadcast, 'one', second)
  await port.publish(broadcast, 'two', second + 10)
  await store.sweep(second * 1_000, 100)
  expect(keptAt(second * 1_000)).toBe('two')
})

test('when too much waits nothing is stored or sent', async () => {
  hasRoom = false
  expect(await port.publish(broadcast, 'one', second)).toBe('busy')
  expect(keptAt(0)).toBeUndefined()
  expect(done).toEqual([])
})

test('a clearing removes what is stored before it ends what is being sent', async () => {
  await port.publish(broadcast, 'one', second)
  await port.clear(channel)
  expect(done.at(-1)).toEqual(['cleared', channel, undefined])
  // there is nothing any more, and that is no fault
  await port.clear(channel)
})
