import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import { assemblyWith, heliograph, welcomeOperator } from '../e2e/operator-support.ts'
import { readyDevice, requestOn, type Sent, startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

/** One provider sends as fast as it can; another wants to send one notification. */

const RATE = 5
let target: Target
beforeAll(async () => {
  target = await startTarget({
    assembly: assemblyWith({ PROVIDER_RATE_PER_SECOND: `${RATE}` }),
    tuning: { ...defaultTuning, maxEnvironments: 1 },
  })
  welcomeOperator(target)
})
afterAll(() => target.close())

function openEdge(cert: string, key: string): http2.ClientHttp2Session {
  const { url, ca } = target.local.provider
  return http2.connect(url, {
    ca: readFileSync(ca),
    cert: readFileSync(cert),
    key: readFileSync(key),
  })
}

test('it gets its share and 429; the other is served meanwhile', async () => {
  const { topic, cert, key } = target.local.provider
  const out = join(target.state, 'other')
  await heliograph(target, ['provider', 'issue', topic, '--out', out])
  const { device, token } = await readyDevice(target)
  const [greedy, modest] = [openEdge(cert, key), openEdge(`${out}.pem`, `${out}.key`)]
  const send = (edge: http2.ClientHttp2Session) =>
    requestOn(edge, { token, topic, body: '{"aps":{"alert":"x"}}' })
  const startedAt = performance.now()
  const flood: Promise<Sent>[] = Array.from({ length: 200 }, () => send(greedy))
  const answers = await Promise.all(flood)
  const seconds = (performance.now() - startedAt) / 1000
  const taken = answers.filter(({ status }) => status === 200).length
  // a burst of ten seconds' worth, and what has come back since
  expect(taken).toBeLessThanOrEqual(RATE * (10 + seconds) + 1)
  expect(taken).toBeGreaterThanOrEqual(RATE * 10)
  const refused = answers.filter(({ status }) => status !== 200)
  expect(refused.every(({ status }) => status === 429)).toBe(true)
  expect(refused[0]?.reason).toBe('TooManyRequests')
  expect((await send(modest)).status).toBe(200)
  greedy.close()
  modest.close()
  await device.close()
})
