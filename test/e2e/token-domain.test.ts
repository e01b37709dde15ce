import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sharing } from './shared-target.ts'
import { alertOf, type ReadyDevice, readyDevice, request, until } from './support.ts'
import type { Target } from './target.ts'
import { bearer, requestByToken, tokenFile } from './token-provider.ts'

let target: Target
let token: string
let received: ReadyDevice['received']

sharing.beforeAll(async ({ target: shared }) => {
  target = shared
  const ready = await readyDevice(target)
  token = ready.token
  received = ready.received
  return () => ready.device.close()
})

describe('at the token domain', () => {
  it('a notification reaches its device by token, and the feedback can be read', async () => {
    const before = received.length
    const body = '{"aps":{"alert":"by token"}}'
    expect((await requestByToken(target, { token, body })).status).toBe(200)
    await until(() => received.length > before || undefined)
    expect(alertOf(received.at(-1) ?? { payload: {} })).toBe('by token')
    const feedback = await requestByToken(target, { method: 'GET', path: '/3/feedback' })
    expect(JSON.parse(feedback.body)).toMatchObject({ feedback: expect.any(Array) })
  })

  it.each([
    [{ signature: 'der' }],
    [{ alphabet: 'padded' }],
    [{ header: { alg: 'ES512' }, hash: 'sha512', signature: 'wide' }],
  ] as const)('a token in the shape %j is taken', async (shape) => {
    const { status } = await requestByToken(target, { token }, bearer(target, shape))
    expect(status).toBe(200)
  })

  it('nobody gets in without a token, also not with another provider’s certificate in a header', async () => {
    const { cert } = target.local.provider
    const pem = encodeURIComponent(readFileSync(cert, 'utf8'))
    const headers = { 'x-amzn-mtls-clientcert': pem, 'x-forwarded-client-cert': pem }
    expect(await requestByToken(target, { token, headers }, '')).toMatchObject({
      status: 403,
      reason: 'MissingProviderToken',
    })
  })
})

describe('at the other domain', () => {
  it('a token does not make up for a certificate, and is not looked at beside one', async () => {
    const authorization = bearer(target)
    const { url } = target.local.provider
    const withoutCertificate = {
      local: { ...target.local, providerToken: { ...tokenFile(target), url } },
    }
    // the handshake ends there
    await expect(requestByToken(withoutCertificate, { token }, authorization)).rejects.toThrow()
    const headers = { authorization: 'bearer a.b.c' }
    expect((await request(target, { token, headers })).status).toBe(200)
  })
})
