import { randomUUID } from 'node:crypto'
import type { Notification } from '@heliograph/device'
import apn from '@parse/node-apn'
import { describe, expect, it } from 'vitest'
import { sharing } from '../../e2e/shared-target.ts'
import { alert, alertOf, nodeApn, patience, readyDevice, until } from '../../e2e/support.ts'
import type { Target } from '../../e2e/target.ts'
import { tokenFile } from '../../e2e/token-provider.ts'
import { type Language, runners, runPage } from './page.ts'

let target: Target
let token: string
let received: Notification[]

sharing.beforeAll(async ({ target: shared }) => {
  target = shared
  const ready = await readyDevice(target)
  token = ready.token
  received = ready.received
  return () => ready.device.close()
})

const UNKNOWN = 'ab'.repeat(32)

/** What the block of each page prints for an accepted notification and for one that is refused. */
const pages: readonly [string, Language, RegExp, RegExp][] = [
  ['node-apn.md', 'js', /"sent":\[\{/, /"status":400.*"reason":"BadDeviceToken"/],
  ['apns2.md', 'js', /"sent":1/, /"reason":"BadDeviceToken","statusCode":400/],
  ['curl.md', 'sh', /^200 [0-9A-F-]{36} *$/m, /400 [0-9A-F-]{36} not a device token of this stage/],
  ['aioapns.md', 'python', /^200 /m, /^400 BadDeviceToken$/m],
]

describe('the lines of the pages under docs/clients', () => {
  for (const [page, language, accepted, refused] of pages) {
    const absent = runners[language]() === undefined
    it.skipIf(absent)(
      `${page} sends to a device${absent ? ' (not installed here)' : ''}`,
      async () => {
        const before = received.length
        const { stdout, stderr } = await runPage(page, language, target.local, token)
        expect(stdout, stderr).toMatch(accepted)
        await until(() => received.length > before)
        expect(alertOf(received.at(-1) ?? { payload: {} })).toBe('hello')
      },
    )

    it.skipIf(absent)(`${page} hears why one was refused`, async () => {
      const { stdout, stderr } = await runPage(page, language, target.local, UNKNOWN)
      expect(stdout, stderr).toMatch(refused)
    })
  }
})

describe('the lines with a provider token', () => {
  const tokenPages = pages.filter(([page]) => page !== 'curl.md')
  for (const [page, language, accepted, refused] of tokenPages) {
    const absent = runners[language]() === undefined
    it.skipIf(absent)(
      `${page} sends to a device${absent ? ' (not installed here)' : ''}`,
      async () => {
        const before = received.length
        const { stdout, stderr } = await runPage(page, language, target.local, token, 'token')
        expect(stdout, stderr).toMatch(accepted)
        await until(() => received.length > before)
        const wrong = await runPage(page, language, target.local, UNKNOWN, 'token')
        expect(wrong.stdout, wrong.stderr).toMatch(refused)
      },
    )
  }
})

describe('node-apn', () => {
  it('sends 100 at once with a provider token: all answered, none refused', async () => {
    const { url, ca, key, keyId, teamId } = tokenFile(target)
    const address = { address: 'localhost', port: Number(new URL(url).port), ca: [ca] }
    const provider = new apn.Provider({ ...address, ...patience, token: { key, keyId, teamId } })
    try {
      const sends = Array.from({ length: 100 }, (_, n) =>
        provider.send(alert(`${n}`, { id: randomUUID() }), token),
      )
      const results = await Promise.all(sends)
      expect(results.flatMap(({ failed }) => failed)).toEqual([])
      expect(results.flatMap(({ sent }) => sent)).toHaveLength(100)
    } finally {
      await provider.shutdown()
    }
  })

  it('sends 500 at once over one connection: all answered, none refused', async () => {
    const provider = nodeApn(target)
    try {
      const sends = Array.from({ length: 500 }, (_, n) =>
        provider.send(alert(`${n}`, { id: randomUUID() }), token),
      )
      const results = await Promise.all(sends)
      expect(results.flatMap(({ failed }) => failed)).toEqual([])
      expect(results.flatMap(({ sent }) => sent)).toHaveLength(500)
    } finally {
      await provider.shutdown()
    }
  })
})
