import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Grace } from '../src/pipeline/grace.ts'

afterEach(() => {
  vi.useRealTimers()
})

const named = (name: string) => ({ name, since: performance.now() })

describe('the time of each', () => {
  test('counts from when it came', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] })
    const over: string[] = []
    const grace = new Grace<ReturnType<typeof named>>(
      () => 4,
      ({ name }) => over.push(name),
    )
    grace.add(named('first'))
    await vi.advanceTimersByTimeAsync(3)
    grace.add(named('second'))
    expect(over).toEqual([])
    await vi.advanceTimersByTimeAsync(2)
    expect(over).toEqual(['first'])
    await vi.advanceTimersByTimeAsync(3)
    expect(over).toEqual(['first', 'second'])
    grace.add(named('third'))
    await vi.advanceTimersByTimeAsync(6)
    expect(over).toEqual(['first', 'second', 'third'])
  })

  test('is what it has become when it may be over', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] })
    const over: string[] = []
    let ms = 4
    const grace = new Grace<ReturnType<typeof named>>(
      () => ms,
      ({ name }) => over.push(name),
    )
    grace.add(named('first'))
    ms = 12
    await vi.advanceTimersByTimeAsync(10)
    expect(over).toEqual([])
    await vi.advanceTimersByTimeAsync(4)
    expect(over).toEqual(['first'])
  })

  test('is over at once when all of it ends', () => {
    const over: string[] = []
    const grace = new Grace<ReturnType<typeof named>>(
      () => 60_000,
      ({ name }) => over.push(name),
    )
    grace.add(named('first'))
    grace.add(named('second'))
    grace.end()
    expect(over).toEqual(['first', 'second'])
  })
})

test('what came while the process was busy is read before the time is over', async () => {
  const server = createServer((socket) => void socket.on('data', () => order.push('read')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = connect(port, '127.0.0.1')
  await Promise.all([once(client, 'connect'), once(server, 'connection')])
  const order: string[] = []
  const ended = new Promise<void>((resolve) => {
    const grace = new Grace<ReturnType<typeof named>>(
      () => 4,
      ({ name }) => {
        order.push(name)
        resolve()
      },
    )
    grace.add(named('over'))
    client.write('x')
    // the timer is due when the next turn of the event loop begins
    const until = performance.now() + 20
    while (performance.now() < until);
  })
  await ended
  client.destroy()
  server.close()
  expect(order).toEqual(['read', 'over'])
})
