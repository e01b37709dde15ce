import { expect, test } from 'vitest'
import type { AedesClient } from '../src/iot/aedes-client.ts'
import { Session, type SessionFacts } from '../src/iot/session.ts'

const session = () => new Session({} as AedesClient, {} as SessionFacts, 100)

/** Keeps the event loop in one turn, as much work does. */
function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a PUBACK that came while the process did not read its sockets is in time', async () => {
  const one = session()
  const acknowledgement = one.acknowledgementOf(1, 200)
  block(300)
  // what is read after a long turn is read behind the timers that were due
  setTimeout(() => setImmediate(() => one.acknowledge(1)), 0)
  expect(await acknowledgement).toBe('acknowledged')
})

test.each([20, 120])('without one the wait is over after %i ms', async (ms) => {
  const started = performance.now()
  expect(await session().acknowledgementOf(1, ms)).toBe('timed-out')
  expect(performance.now() - started).toBeGreaterThanOrEqual(ms - 5)
})

test('whoever disconnects is not waited for', async () => {
  const one = session()
  const acknowledgement = one.acknowledgementOf(1, 60_000)
  one.abandon()
  expect(await acknowledgement).toBe('disconnected')
})
