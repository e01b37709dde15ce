import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { amazonRoots } from '../../lambdas/activate/amazon-roots.ts'

test('devices get the roots of Amazon that Node carries, and no other', () => {
  const pems = amazonRoots().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g)
  const roots = (pems ?? []).map((pem) => new X509Certificate(pem))
  expect(pems?.join('')).toBe(amazonRoots())
  const names = roots.map(({ subject }) => /^CN=(.+)$/m.exec(subject)?.[1])
  // those that AWS names for IoT Core ("Server authentication", CA certificates)
  for (const name of ['Amazon Root CA 1', 'Amazon Root CA 3']) expect(names).toContain(name)
  for (const root of roots) {
    expect(root.subject).toMatch(/^O=Amazon$/m)
    expect([root.ca, root.checkIssued(root)]).toEqual([true, true])
  }
})
