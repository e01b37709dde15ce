import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { renewIdentity } from '../src/identity.ts'
import { jsonLog } from '../src/log.ts'
import { serverCertificate } from '../src/server/server-certificate.ts'
import type { ServerTls } from '../src/server/tls.ts'
import { defaultSettings } from '../src/settings.ts'
import { vaultUnder } from '../src/trust/vault.ts'
import { systemClock, systemIds } from '../src/world.ts'
import { makeAuthority } from './device-server-support.ts'
import { key, openForTest, temporaryFolder } from './folder.ts'

const DAY_MS = 24 * 3_600_000
const ids = systemIds()

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

async function placeAt(now: number) {
  const { environment } = await openForTest()
  return { environment, ids, vault: vaultUnder(key), clock: { now: () => now } }
}

test("the certificate of the machine's own CA is made anew every day, for as long again", async () => {
  const shown: ServerTls[] = []
  const later = Date.now() + 300 * DAY_MS
  const { stop } = renewIdentity(defaultSettings, await placeAt(later), {
    servers: [{ show: (tls) => shown.push(tls) }],
    log: jsonLog(() => {}),
  })
  vi.advanceTimersByTime(DAY_MS)
  await expect.poll(() => shown.length).toBe(1)
  const { validTo } = new X509Certificate(shown[0]?.cert ?? '')
  expect(Date.parse(validTo)).toBeGreaterThan(later + 390 * DAY_MS)
  stop()
  vi.advanceTimersByTime(10 * DAY_MS)
  expect(shown).toHaveLength(1)
})

test("the owner's files are read again; while they are no pair, the old ones are shown", async () => {
  const folder = temporaryFolder()
  const [cert, tlsKey, ca] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder, name))
  const files = { tlsCertificate: cert, tlsKey, tlsAuthority: ca }
  const authority = await makeAuthority('the owner')
  const write = async (text?: string) => {
    const tls = await serverCertificate(['localhost'], authority, { clock: systemClock, ids })
    writeFileSync(cert ?? '', text ?? tls.cert)
    writeFileSync(tlsKey ?? '', tls.key)
    return tls
  }
  writeFileSync(ca ?? '', authority.certificate)
  const [shown, lines] = [[] as ServerTls[], [] as string[]]
  const { stop } = renewIdentity({ ...defaultSettings, ...files }, await placeAt(Date.now()), {
    servers: [{ show: (tls) => shown.push(tls) }],
    log: jsonLog((line) => lines.push(line)),
  })
  await write('half of a certificate')
  vi.advanceTimersByTime(DAY_MS)
  await expect.poll(() => lines.join()).toContain('the old one is shown')
  expect(shown).toEqual([])
  const renewed = await write()
  vi.advanceTimersByTime(DAY_MS)
  await expect.poll(() => shown).toEqual([renewed])
  stop()
})
