import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestTerminal } from '../../packages/operator/test/support.ts'
import { alertsOf, among, type Campaigning, leave, openCampaigning } from './campaign-support.ts'
import { giveUp, heliograph, heliographJson } from './operator-support.ts'
import { settle, until } from './support.ts'
import { tokenFile } from './token-provider.ts'

/** `heliograph send --tokens-file`; what interrupts it is in campaign-interrupted.long.ts. */

let world: Campaigning
beforeAll(async () => {
  world = await openCampaigning()
})
afterAll(() => world?.target.close())

interface Sent {
  readonly accepted: number
  readonly dead: Readonly<Record<string, number>>
  readonly bad: Readonly<Record<string, number>>
  readonly inDoubt: number
  readonly finished: boolean
}

describe('send --tokens-file', () => {
  it('reaches every device, and lists the dead tokens and the bad ones', async () => {
    const { crowd, fileOf, offline, target, topic } = world
    const devices = await crowd(6)
    const [leaving] = devices
    if (leaving) await giveUp(target, leaving.device, topic)
    const bad = randomBytes(32).toString('hex')
    const tokens = [...among(offline, devices), bad, ...among([], devices)]
    const path = fileOf(['# a comment', '', ...tokens, devices[1]?.token ?? ''])
    const dead = `${path}.dead`
    const args = ['send', '--tokens-file', path, '--alert', 'to all', '--dead-tokens', dead]
    const terminal = new TestTerminal()
    const { code, out } = await heliograph(target, args, terminal)
    expect(out).toMatch(/^accepted +1205$/m)
    expect(out).toMatch(/^dead +1 \(Unregistered 1\)$/m)
    expect(out).toMatch(/^bad +1 \(BadDeviceToken 1\)$/m)
    expect(code).toBe(0)
    for (const device of devices.slice(1)) await until(() => device.received[0])
    await settle()
    expect(devices.slice(1).map(alertsOf)).toEqual(devices.slice(1).map(() => ['to all']))
    const lines = readFileSync(dead, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { reason: string })
      .sort((a, b) => a.reason.localeCompare(b.reason))
    expect(lines).toEqual([
      { token: bad, reason: 'BadDeviceToken', timestamp: expect.any(Number) },
      { token: leaving?.token, reason: 'Unregistered', timestamp: expect.any(Number) },
    ])
    const again = await heliograph(target, args)
    expect(again).toMatchObject({
      code: 4,
      err: expect.stringContaining('this campaign is complete'),
    })
    const other = await heliograph(target, [...args.slice(0, 3), '--alert', 'another'])
    expect(other).toMatchObject({
      code: 4,
      err: expect.stringContaining('(different: the payload)'),
    })
    await leave(devices)
  })

  it('goes by provider tokens, too, and prints nothing but JSON for a script', async () => {
    const { crowd, fileOf, target, topic } = world
    const devices = await crowd(2)
    const { key, keyId, teamId } = tokenFile(target)
    const path = fileOf(devices.map(({ token }) => token))
    const by = ['--key', key, '--key-id', keyId, '--team-id', teamId, '--topic', topic]
    const sent = await heliographJson<Sent>(target, 'send', '--tokens-file', path, ...by)
    expect(sent).toMatchObject({ accepted: 2, finished: true })
    for (const { received } of devices) await until(() => received[0])
    await leave(devices)
  })

  it('ends as a refusal of the whole where the topic is not the credential’s', async () => {
    const { fileOf, offline, target } = world
    const path = fileOf(offline.slice(0, 10))
    const args = ['send', '--tokens-file', path, '--topic', 'com.example.other']
    const { code, err } = await heliograph(target, args)
    expect(code).toBe(4)
    expect(err).toContain('400 BadTopic')
    expect(err).toContain('0 of 10 are accepted')
  })
})
