import type { Log } from '@heliograph/aws/log'
import type { Authority } from '@heliograph/core/ports'
import { describe, expect, test } from 'vitest'
import { inspectHandler } from '../../lambdas/inspect/handler.ts'
import { certificateEnding } from './certificates.ts'

const DAY_MS = 24 * 3600_000
const now = Date.parse('2027-01-01T00:00:00Z')
const inDays = (days: number) => certificateEnding(new Date(now + days * DAY_MS))

function inspect(
  trusted: readonly string[],
  authorities: Partial<Record<Authority['name'], string>>,
) {
  const lines: object[] = []
  const log: Log = {
    info: (_, fields) => lines.push({ ...fields }),
    warn: () => {},
    error: () => {},
  }
  const find = async (name: Authority['name']) => {
    const certificate = authorities[name]
    return certificate ? { name, certificate, keyArn: 'arn' } : undefined
  }
  const ports = {
    clock: { now: () => now },
    authorities: { find },
    trustedCertificates: async () => trusted,
  }
  return inspectHandler(ports, log)().then(() => lines)
}

describe('inspect', () => {
  test('reports the days that each certificate of the trust chain has left', async () => {
    const [provider, device] = [await inDays(7300), await inDays(40.5)]
    expect(await inspect([provider], { provider, device })).toEqual([
      { certificate: 'provider-authority', daysLeft: 7300 },
      { certificate: 'device-authority', daysLeft: 40 },
      { certificate: 'truststore', daysLeft: 7300 },
    ])
  })

  test('counts below zero after the end, and the first of several to end', async () => {
    const [ended, fine] = [await inDays(-3), await inDays(1000)]
    const lines = await inspect([fine, ended], { provider: fine, device: fine })
    expect(lines).toContainEqual({ certificate: 'truststore', daysLeft: -3 })
  })

  test('fails when a certificate is missing', async () => {
    const fine = await inDays(1000)
    await expect(inspect([], { provider: fine, device: fine })).rejects.toThrow(
      'there is no certificate of the truststore',
    )
    await expect(inspect([fine], { provider: fine })).rejects.toThrow(
      'there is no certificate of the device-authority',
    )
  })
})
