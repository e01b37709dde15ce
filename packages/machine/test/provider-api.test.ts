import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { type ProviderApiPorts, providerApi } from '../src/server/provider-api.ts'

const ids = { uuid: () => randomUUID() }
const gate = { pass: async () => 'shut' as const }
const api = providerApi({ ids } as ProviderApiPorts, { ids } as never, { isClosed: true, gate })

test('a machine that has moved says so, with the id that a call about channels has', async () => {
  const id = randomUUID()
  const ask = (path: string) =>
    api({
      ...{ method: 'POST', path, query: {}, body: new Uint8Array(), clientCertificate: undefined },
      headers: { 'apns-id': id, 'apns-request-id': id },
    })
  for (const path of ['/1/apps/com.example.app/channels', '/4/broadcasts/apps/com.example.app'])
    expect(await ask(path)).toMatchObject({
      status: 503,
      headers: { 'apns-id': id, 'apns-request-id': id },
    })
  const sent = await ask(`/3/device/${'ab'.repeat(32)}`)
  expect(sent).toMatchObject({ status: 503, headers: { 'apns-id': id } })
  expect(sent.headers).not.toHaveProperty('apns-request-id')
})
