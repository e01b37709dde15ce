import { describe, expect, it } from 'vitest'
import { jittered } from '../../lambdas/deliver/handler.ts'

describe('the back-off of a notification that was throttled', () => {
  it.each([
    [2, 0, 1],
    [2, 0.999, 2],
    [8, 0, 4],
    [8, 0.5, 6],
    [900, 0.999, 900],
  ])('of %i s is spread from half to whole: %f gives %i', (seconds, chance, expected) => {
    expect(jittered(seconds, chance)).toBe(expected)
  })

  it('of none stays none: what cannot be read goes to the dead-letter queue at once', () => {
    expect(jittered(0, 0.999)).toBe(0)
  })
})
