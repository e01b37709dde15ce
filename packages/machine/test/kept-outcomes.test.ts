import { type Outcome, outcomeOf } from '@heliograph/core/outcome'
import { expect, test } from 'vitest'
import { notification, now } from '../../../test/contract/samples.ts'
import { jsonLog } from '../src/log.ts'
import { keptOutcomes } from '../src/pipeline/kept-outcomes.ts'
import { withinRoom } from '../src/pipeline/spare-room.ts'

const heard: Outcome[] = []
const others = {
  record: (one: Outcome) => void heard.push(one),
  recordTogether: (some: readonly Outcome[]) => void heard.push(...some),
}

function open(level: 'all' | 'exceptions' | 'off', write?: () => Promise<void>) {
  const written: Outcome[][] = []
  const lines: string[] = []
  const receipts = {
    write: async (some: readonly Outcome[]) => {
      await write?.()
      written.push([...some])
    },
  }
  const kept = keptOutcomes(
    others,
    receipts,
    level,
    jsonLog((line) => lines.push(line)),
  )
  return { kept, written, lines }
}

test('what is accepted comes before its delivery, however late the answer was', async () => {
  const { kept, written } = open('all')
  const one = notification()
  kept.record(outcomeOf('delivered', one, now + 5))
  kept.record(outcomeOf('accepted', one, now + 12))
  await kept.flush()
  expect(written[0]).toMatchObject([
    { kind: 'delivered', at: now + 5, age: 5 },
    { kind: 'accepted', at: now, age: 0 },
  ])
})

test.each([
  ['all', 2],
  ['exceptions', 1],
  ['off', 0],
] as const)('of level %s', async (level, count) => {
  const { kept, written } = open(level)
  kept.record(outcomeOf('delivered', notification(), now))
  kept.record(outcomeOf('expired', notification(), now))
  await kept.flush()
  expect(written.flat()).toHaveLength(count)
})

test('a disk that takes none costs receipts and nothing else, and is said', async () => {
  const { kept, lines } = open('all', () => Promise.reject(new Error('full')))
  heard.length = 0
  kept.record(outcomeOf('delivered', notification(), now))
  await kept.flush()
  expect(heard).toHaveLength(1)
  expect(lines.join()).toContain('receipts cannot be written')
})

test.each([
  [5, 1],
  [4, 0],
])('with %d %% of the disk free, %d are written', async (free, count) => {
  const written: Outcome[] = []
  const write = async (some: readonly Outcome[]) => void written.push(...some)
  const receipts = withinRoom({ write }, async () => ({ free, total: 100 }))
  const lines: string[] = []
  const kept = keptOutcomes(
    others,
    receipts,
    'all',
    jsonLog((line) => lines.push(line)),
  )
  kept.record(outcomeOf('delivered', notification(), now))
  await kept.flush()
  expect(written).toHaveLength(count)
  expect(lines.join().includes('less than 5 % of the disk is free')).toBe(count === 0)
})

test('a slow disk does not fill the memory: beyond ten thousand, receipts are dropped', async () => {
  let go = () => {}
  const slow = new Promise<void>((resolve) => {
    go = resolve
  })
  const { kept, written } = open('all', () => slow)
  for (let n = 0; n < 12_000; n += 1) kept.record(outcomeOf('delivered', notification(), now))
  go()
  await kept.flush()
  expect(written.flat()).toHaveLength(10_000)
})
