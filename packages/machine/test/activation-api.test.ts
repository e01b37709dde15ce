import type { ProviderRequest } from '@heliograph/core/send/provider-request'
import { expect, test } from 'vitest'
import { Gate } from '../src/gate.ts'
import { jsonLog } from '../src/log.ts'
import { type ActivationApiOptions, activationApi } from '../src/server/activation-api.ts'

/** Nobody's code is known; the clock stands still, so that no allowance grows. */
function startWorld(perSecond: ActivationApiOptions['perSecond']) {
  const lines: string[] = []
  const ports = { clock: { now: () => 0 }, activations: { find: async () => undefined } }
  const answer = activationApi({
    ports: ports as never,
    mqtt: { host: 'localhost', port: 8883, ca: '' },
    gate: new Gate(),
    ...{ stage: 'machine', perSecond, log: jsonLog((line) => lines.push(line)) },
  })
  const body = Buffer.from(JSON.stringify({ csr: 'x', activationCode: 'guess' }))
  const request = { method: 'POST', path: '/activate', headers: {}, query: {}, body }
  const ask = async (tokenSource: string) =>
    (await answer({ ...request, clientCertificate: undefined, tokenSource } as ProviderRequest))
      .status
  return { lines, ask }
}

const addressOf = (n: number) => `::ffff:192.0.2.${n}`

test('whoever guesses codes from one network keeps nobody else out', async () => {
  const { ask } = startWorld({ ofNetwork: 5, all: 20 })
  const statuses = await Promise.all(Array.from({ length: 500 }, () => ask(addressOf(1))))
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(400)
  expect(await ask(addressOf(1))).toBe(429)
  // an IPv4 address as a socket for both versions shows it is a network of its own
  expect(await ask(addressOf(2))).toBe(403)
  expect(await ask('2001:db8::1')).toBe(403)
})

test('many networks together are bounded, too', async () => {
  const { ask } = startWorld({ ofNetwork: 5, all: 20 })
  const statuses = await Promise.all(Array.from({ length: 250 }, (_, n) => ask(addressOf(n))))
  expect(statuses.filter((status) => status === 403)).toHaveLength(200)
})

test('guesses do not fill the log', async () => {
  const { ask, lines } = startWorld({ ofNetwork: 1_000, all: 1_000 })
  for (let n = 0; n < 200; n += 1) await ask(addressOf(1))
  expect(lines.length).toBeLessThan(10)
  expect(lines[0]).toContain('BadActivationCode')
})
