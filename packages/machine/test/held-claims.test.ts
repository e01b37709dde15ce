import type { Notification } from '@heliograph/core/notification'
import { expect, test } from 'vitest'
import { notification, now, seqAt } from '../../../test/contract/samples.ts'
import { HeldClaims } from '../src/pipeline/held-claims.ts'

const claimOf = (n: number) =>
  notification({ id: `claim-${n}` as Notification['id'], seq: seqAt(now + n) })

/** Nothing is written, as on a full disk. */
const full = {
  holder: () => undefined,
  claim: () => Promise.reject(new Error('no space left')),
}

test('claims that a full disk does not take do not fill the memory: the oldest go', async () => {
  const claims = new HeldClaims(full, { now: () => now }, 10)
  const all = Array.from({ length: 11 }, (_, n) => claimOf(n))
  for (const one of all) {
    expect(await claims.claim(one)).toBe(one.seq)
    claims.settle(one)
  }
  const repeat = (n: number) => claims.claim({ ...(all[n] as Notification), seq: seqAt(now + 99) })
  expect(await repeat(10)).toBe(all[10]?.seq)
  expect(await repeat(1)).toBe(all[1]?.seq)
  expect(await repeat(0)).not.toBe(all[0]?.seq)
})

test('a claim that is written is no longer held', async () => {
  const written: string[] = []
  const stored = {
    holder: () => undefined,
    claim: async ({ seq }: Pick<Notification, 'seq'>) => {
      written.push(seq)
      return seq
    },
  }
  const claims = new HeldClaims(stored, { now: () => now })
  const one = claimOf(1)
  expect(await claims.claim(one)).toBe(one.seq)
  expect(await claims.claim({ ...one, seq: seqAt(now + 5) })).toBe(one.seq)
  claims.settle(one)
  await Promise.resolve()
  expect(written).toEqual([one.seq])
})
