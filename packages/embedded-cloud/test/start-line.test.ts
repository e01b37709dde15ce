import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { StartLine } from '../src/functions/start-line.ts'

/** Starts that end when they are told to. */
function starts() {
  const begun: string[] = []
  const ends = new Map<string, (fault?: Error) => void>()
  const start = (name: string) => () => {
    begun.push(name)
    return new Promise<void>((resolve, reject) => {
      ends.set(name, (fault) => (fault ? reject(fault) : resolve()))
    })
  }
  return { begun, start, end: (name: string, fault?: Error) => ends.get(name)?.(fault) }
}

describe('environments start', () => {
  test('one after the other, in order', async () => {
    const { begun, start, end } = starts()
    const line = new StartLine(1)
    const all = ['a', 'b', 'c'].map((name) => line.pass(start(name)))
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      await wait(1)
      expect(begun).toHaveLength(index + 1)
      end(name)
    }
    await Promise.all(all)
    expect(begun).toEqual(['a', 'b', 'c'])
  })

  test('as many at the same time as the line is wide', async () => {
    const { begun, start, end } = starts()
    const line = new StartLine(2)
    const all = ['a', 'b', 'c'].map((name) => line.pass(start(name)))
    await wait(1)
    expect(begun).toEqual(['a', 'b'])
    end('b')
    await wait(1)
    expect(begun).toEqual(['a', 'b', 'c'])
    for (const name of ['a', 'c']) end(name)
    await Promise.all(all)
  })

  test('also after one that failed, which alone hears of it', async () => {
    const { begun, start, end } = starts()
    const line = new StartLine(1)
    const [failing, next] = [line.pass(start('a')), line.pass(start('b'))]
    end('a', new Error('no such module'))
    await expect(failing).rejects.toThrow('no such module')
    await wait(1)
    expect(begun).toEqual(['a', 'b'])
    end('b')
    await next
  })

  test('after a while also beside one that hangs', async () => {
    const { begun, start, end } = starts()
    const line = new StartLine(1)
    const startedAt = performance.now()
    const all = ['hangs', 'b'].map((name) => line.pass(start(name)))
    await vi.waitFor(() => expect(begun).toEqual(['hangs', 'b']), 60_000)
    expect(performance.now() - startedAt).toBeGreaterThan(900)
    for (const name of ['hangs', 'b']) end(name)
    await Promise.all(all)
  })
})
