import { expect, it } from 'vitest'
import { turns } from '../src/turns.ts'

it('runs so many at a time, in the order in which they came, failures included', async () => {
  const begun: number[] = []
  const ends: (() => void)[] = []
  const inTurn = turns(2)
  const work = [0, 1, 2, 3].map((n) =>
    inTurn(async () => {
      begun.push(n)
      await new Promise<void>((resolve) => ends.push(resolve))
      if (n === 0) throw new Error('first')
      return n
    }),
  )
  const settled = Promise.allSettled(work)
  await Promise.resolve()
  expect(begun).toEqual([0, 1])
  ends[0]?.()
  await expect(work[0]).rejects.toThrow('first')
  expect(begun).toEqual([0, 1, 2])
  ends[1]?.()
  await expect(work[1]).resolves.toBe(1)
  expect(begun).toEqual([0, 1, 2, 3])
  for (const end of ends) end()
  expect((await settled).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ])
  let later = false
  await inTurn(async () => {
    later = true
  })
  expect(later).toBe(true)
})
