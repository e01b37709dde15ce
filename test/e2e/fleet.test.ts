import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import { TestTerminal } from '../../packages/operator/test/support.ts'
import { heliograph, heliographJson, welcomeOperator } from './operator-support.ts'
import { sharing } from './shared-target.ts'
import { until } from './support.ts'
import type { Target } from './target.ts'

/** `heliograph device simulate`, against a service. */

let target: Target
let folder = ''
sharing.beforeAll(async ({ target: lent }) => {
  target = lent
  welcomeOperator(target)
  folder = await mkdtemp(join(tmpdir(), 'heliograph-fleet-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const simulate = (fleet: string, ...args: string[]) => [
  ...['device', 'simulate', '--fleet', join(folder, fleet), ...args],
]

const tokensOf = (fleet: string) =>
  readFileSync(join(folder, fleet, `${target.local.provider.topic}.tokens`), 'utf8')

interface Summary {
  readonly activated: number
  readonly ready: number
  readonly connected: number
  readonly received: number
  readonly fromChannels: number
  readonly fromStorage: number
  readonly ignored: number
  readonly finished: boolean
}

describe('device simulate', () => {
  sharing('is a fleet that a campaign reaches, and the same one the next time', async () => {
    const shown: string[] = []
    const terminal = Object.assign(new TestTerminal(), { show: (line: string) => shown.push(line) })
    const mix = ['--count', '20', '--behaviors', 'steady=85%,silent=15%']
    const running = heliograph(target, simulate('fleet', ...mix), terminal)
    await until(() => terminal.notes.some((line) => line.startsWith('20 devices ready')))
    const tokens = tokensOf('fleet')
    expect(tokens).toMatch(/^(?:[0-9a-f]{64}\n){20}$/)
    const { cert, key, topic } = target.local.provider
    const { accepted } = await heliographJson<{ accepted: number }>(
      ...([target, 'send', '--topic', topic, '--cert', cert, '--key', key] as const),
      ...['--tokens-file', join(folder, 'fleet', `${topic}.tokens`), '--alert', 'to all'],
    )
    expect(accepted).toBe(20)
    await until(() => shown.some((line) => line.includes('20 of 20 connected, 17 received')))
    terminal.interrupt()
    const { code, out } = await running
    expect(code).toBe(0)
    expect(out).toMatch(/^activated +20 now, 0 before or never$/m)
    expect(out).toMatch(/^received +17, 0 of them from storage$/m)
    expect(out).toMatch(/^silent +3 +0 /m)
    expect(out).toMatch(/^to the device, online( +[\d.]+ m?s){4}$/m)

    const again = await heliographJson<Summary>(
      target,
      ...simulate('fleet', '--count', '20', '--for', '1s'),
    )
    expect(again).toMatchObject({ activated: 0, ready: 20, connected: 20, finished: true })
    expect(tokensOf('fleet')).toBe(tokens)
  })

  sharing('joins channels, and hears the latest that a channel stores', async () => {
    const { cert, key, topic } = target.local.provider
    const app = ['--topic', topic, '--cert', cert, '--key', key]
    const { channel } = await heliographJson<{ channel: string }>(
      ...([target, 'channel', 'create', ...app] as const),
    )
    const fleet = simulate('joined', '--count', '3', '--for', '1s')
    await heliographJson<Summary>(target, ...fleet, '--join', channel)
    await heliographJson(target, 'channel', 'publish', channel, '--alert', 'to all', ...app)
    const again = await heliographJson<Summary>(target, ...fleet, '--join', channel)
    expect(again).toMatchObject({ received: 3, fromChannels: 3, fromStorage: 3 })
    expect(await heliographJson<Summary>(target, ...fleet)).toMatchObject({ received: 0 })
  })

  sharing('takes codes from a file, and ends where one has been used', async () => {
    const [code] = await heliographJson<{ code: string }[]>(target, 'device', 'invite')
    const codes = join(folder, 'codes')
    writeFileSync(codes, `${code?.code}\n`)
    const { url, ca } = target.local.activation
    const there = ['--activation-url', url, '--code-file', codes, '--for', '1s']
    const one = await heliograph(target, simulate('coded', ...there, '--ca', ca, '--count', '1'))
    expect(one).toMatchObject({ code: 0, err: expect.stringContaining('1 device ready') })
    const two = await heliograph(target, simulate('coded', ...there, '--ca', ca, '--count', '2'))
    expect(two.code).toBe(4)
    expect(two.err).toMatch(/UsedActivationCode, HTTP 403\); 1 of 2 devices are activated$/)
  })

  sharing('ends with the first device where the topic is not known', async () => {
    const args = simulate('unknown', '--topic', 'com.example.nobody', '--count', '5')
    const { code, err } = await heliograph(target, args)
    expect(code).toBe(4)
    expect(err).toMatch(/UnknownTopic; 1 of 5 devices are activated$/)
  })

  sharing('ends at once where the CA is another', async () => {
    const codes = join(folder, 'some')
    writeFileSync(codes, 'a\nb\n')
    const { url } = target.local.activation
    // the public CAs of this system
    const args = ['--activation-url', url, '--code-file', codes, '--count', '2']
    const { code, err } = await heliograph(target, simulate('foreign', ...args))
    expect(code).toBe(4)
    expect(err).toContain('the activation endpoint shows a certificate that the CA does not fit')
    expect(existsSync(join(folder, 'foreign', 'fleet.lock'))).toBe(false)
  })
})
