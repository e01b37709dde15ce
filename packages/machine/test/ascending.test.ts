import type { Seq } from '@heliograph/protocol/identifiers'
import { expect, test } from 'vitest'
import { notification } from '../../../test/contract/samples.ts'
import { openStore } from '../src/store/store.ts'
import { key, temporaryFolder } from './folder.ts'

const NOW = Date.UTC(2030, 0, 1)
const DAY_MS = 24 * 3_600_000

test('a clock that was set back does not make what comes now older than what is stored', async () => {
  const folder = temporaryFolder()
  const ahead = await openStore({ folder, key })
  const stored = notification({ seq: ahead.ids.seq(NOW + DAY_MS) })
  await ahead.pending.put(stored, NOW)
  expect(ahead.ids.seq(NOW) > stored.seq).toBe(true)
  await ahead.close()

  const right = await openStore({ folder, key })
  const next = notification({ ...stored, seq: right.ids.seq(NOW) })
  expect(next.seq > stored.seq).toBe(true)
  expect(await right.pending.put(next, NOW)).toMatchObject({ kept: true })
  await right.close()
})

test('nor after a kill: what was not noted any more is allowed for', async () => {
  const folder = temporaryFolder()
  const first = await openStore({ folder, key })
  first.ids.seq(NOW)
  await first.ids.note()
  const last = first.ids.seq(NOW + 9_000)
  // as if it were killed here
  first.ids.note = async () => {}
  await first.close()
  const second = await openStore({ folder, key })
  expect(second.ids.seq(NOW - DAY_MS) > last).toBe(true)
  await second.close()
})

test('a start that gives nothing out notes nothing: seqs do not run ahead of the clock', async () => {
  const folder = temporaryFolder()
  for (let n = 0; n < 20; n += 1) await (await openStore({ folder, key })).close()
  const store = await openStore({ folder, key })
  const timeOf = (seq: Seq) => seq.slice(0, 10)
  const plain = await openStore({ folder: temporaryFolder(), key })
  expect(timeOf(store.ids.seq(NOW))).toBe(timeOf(plain.ids.seq(NOW)))
  await plain.close()
  await store.close()
})
