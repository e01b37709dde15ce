import { X509Certificate } from 'node:crypto'
import type { DeviceToken, ProviderKeyId, Topic } from '@heliograph/protocol/identifiers'
import { describe, expect, it } from 'vitest'
import { APP, certificates, Desk, NOW, newKey, UUID, VOIP } from '../../../tools/fuzz/desk.ts'
import { tokenFingerprint } from '../src/notification.ts'
import { accept } from '../src/send/accept.ts'
import type { Answer } from '../src/send/answer.ts'

function reasonOf({ body }: Answer): unknown {
  return body === undefined ? undefined : (JSON.parse(body) as { reason: unknown }).reason
}

describe('an accepted notification', () => {
  it('is answered without a body, with its id and a unique id, once the queue holds it', async () => {
    const desk = new Desk()
    let queued = () => {}
    desk.send = () => new Promise((resolve) => (queued = resolve))
    let answered = false
    const answering = accept(
      desk.request({ headers: { 'apns-topic': APP, 'apns-id': UUID } }),
      desk.ports,
    )
    void answering.then(() => (answered = true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(answered).toBe(false)
    queued()
    const { status, headers, body } = await answering
    expect({ status, body, id: headers['apns-id'] }).toEqual({
      status: 200,
      body: undefined,
      id: UUID,
    })
    expect(headers['apns-unique-id']).toBe(desk.queued[0]?.uniqueId)
    expect(desk.outcomes).toEqual(['accepted'])
  })

  it('carries what the headers said and the payload as it came', async () => {
    const desk = new Desk()
    desk.register(VOIP)
    const body = '{ "a":1, "a":2, "n":12345678901234567890 }'
    const headers = {
      'apns-topic': VOIP,
      'apns-push-type': 'voip',
      'apns-priority': '5',
      'apns-expiration': String(NOW / 1000 + 60),
      'apns-collapse-id': 'chat,42',
    }
    const path = `/3/device/${desk.token(VOIP).toUpperCase()}`
    await accept(desk.request({ headers, path, body }), desk.ports)
    expect(desk.queued[0]).toMatchObject({
      topic: VOIP,
      tokenFingerprint: tokenFingerprint(desk.token(VOIP) as DeviceToken),
      pushType: 'voip',
      priority: 5,
      expiration: NOW / 1000 + 60,
      collapseId: 'chat,42',
      idFromProvider: false,
      payload: body,
      acceptedAt: NOW,
    })
  })

  it('has one id where the provider chose none: in capitals as Apple’s, and as it was made', async () => {
    const desk = new Desk()
    const made = 'abcdef01-0000-7000-8000-00000000000f'
    desk.ports.ids.uuid = () => made
    const { headers } = await accept(desk.request(), desk.ports)
    expect(headers).toEqual({ 'apns-id': made.toUpperCase(), 'apns-unique-id': made })
    expect(desk.queued[0]).toMatchObject({ id: made.toUpperCase(), uniqueId: made })
  })

  it('says whether the provider chose its id, which may then come again as a retry', async () => {
    const desk = new Desk()
    await accept(desk.request({ headers: { 'apns-topic': APP, 'apns-id': UUID } }), desk.ports)
    await accept(desk.request(), desk.ports)
    expect(desk.queued).toMatchObject([
      { id: UUID, idFromProvider: true },
      { idFromProvider: false },
    ])
    expect(desk.queued[1]).not.toHaveProperty('collapseId')
  })

  it('has the topic of a certificate with only one, and the lifetime of the service', async () => {
    const desk = new Desk()
    const request = desk.request({ headers: {}, clientCertificate: certificates.single })
    await accept(request, desk.ports)
    expect(desk.queued[0]).toMatchObject({
      topic: APP,
      expiration: NOW / 1000 + 3600,
      priority: 10,
    })
  })

  it('carries how many of its topic wait, where that is set for its own', async () => {
    const desk = new Desk()
    const pendingRules = { [APP]: { perCollapseId: 4 } }
    const ports = { ...desk.ports, pendingRules }
    desk.register(VOIP)
    await accept(desk.request(), ports)
    const headers = { 'apns-topic': VOIP, 'apns-push-type': 'voip' }
    await accept(desk.request({ headers, path: `/3/device/${desk.token(VOIP)}` }), ports)
    expect(desk.queued[0]).toMatchObject({ topic: APP, perCollapseId: 4 })
    expect(desk.queued[1]).toMatchObject({ topic: VOIP })
    expect(desk.queued[1]).not.toHaveProperty('perCollapseId')
  })

  it('is not answered 200 when the queue fails: the fault is the caller’s to answer', async () => {
    const desk = new Desk()
    desk.send = () => Promise.reject(new Error('queue'))
    await expect(accept(desk.request(), desk.ports)).rejects.toThrow('queue')
    expect(desk.outcomes).toEqual([])
  })
})

/** In the order of checks of docs/provider-api.md; each has this fault and every later one. */
const faults: readonly [string, (desk: Desk) => Parameters<Desk['request']>[0], number][] = [
  ['MethodNotAllowed', () => ({ method: 'GET' }), 405],
  ['BadPath', () => ({ path: '/' }), 404],
  ['DuplicateHeaders', () => ({ headers: { 'apns-priority': '5,5' } }), 400],
  ['MissingProviderToken', () => ({ clientCertificate: undefined }), 403],
  ['BadMessageId', () => ({ headers: { 'apns-id': 'x' } }), 400],
  ['BadTopic', () => ({ headers: { 'apns-topic': 'com.other' } }), 400],
  ['InvalidPushType', () => ({ headers: { 'apns-push-type': 'shout' } }), 400],
  ['BadPriority', () => ({ headers: { 'apns-priority': '2' } }), 400],
  ['BadExpirationDate', () => ({ headers: { 'apns-expiration': '' } }), 400],
  ['BadCollapseId', () => ({ headers: { 'apns-collapse-id': 'k'.repeat(65) } }), 400],
  ['PayloadEmpty', () => ({ body: '' }), 400],
  ['BadDeviceToken', () => ({ path: '/3/device/00' }), 400],
  ['Unregistered', (desk) => ({ path: `/3/device/${desk.token(VOIP)}` }), 410],
]

function merge(...changes: ReturnType<(typeof faults)[number][1]>[]) {
  const headers = Object.assign({ 'apns-topic': APP }, ...changes.map((one) => one?.headers ?? {}))
  return { ...Object.assign({}, ...changes), headers }
}

describe('refusals', () => {
  it.each(faults.map(([reason], index) => [reason, index] as const))(
    '%s, alone and before all that are checked later',
    async (reason, index) => {
      const desk = new Desk()
      desk.register(VOIP, { live: false, unregisteredAt: 7 })
      const changes = faults.slice(index).map(([, change]) => change(desk))
      for (const change of [changes[0], merge(...changes.reverse())]) {
        const answer = await accept(desk.request(merge(change)), desk.ports)
        expect(reasonOf(answer)).toBe(reason)
        expect(answer.status).toBe(faults[index]?.[2])
        expect(answer.headers['content-type']).toBe('application/json')
        expect(answer.headers['heliograph-detail']).toMatch(/^[ -~]{10,}$/)
      }
      expect(desk.queued).toEqual([])
    },
  )

  it('echo an id even where it is not what was wrong, and make one where there is none', async () => {
    const desk = new Desk()
    const sent = await accept(desk.request({ headers: { 'apns-id': UUID }, body: '' }), desk.ports)
    expect(sent.headers['apns-id']).toBe(UUID)
    const made = await accept(desk.request({ method: 'GET' }), desk.ports)
    expect(made.headers['apns-id']).toMatch(/^[0-9A-F-]{36}$/)
  })

  it('a revoked certificate and one that is not on record', async () => {
    const desk = new Desk()
    for (const [fingerprint, record] of desk.records)
      desk.records.set(fingerprint, { ...record, revokedAt: NOW - 1 })
    expect(reasonOf(await accept(desk.request(), desk.ports))).toBe('BadCertificate')
    desk.records.clear()
    expect(reasonOf(await accept(desk.request(), desk.ports))).toBe('BadCertificate')
  })

  it('a bearer token instead of a certificate', async () => {
    const desk = new Desk()
    const ask = async (authorization: string) =>
      reasonOf(
        await accept(
          desk.request({ clientCertificate: undefined, headers: { authorization } }),
          desk.ports,
        ),
      )
    expect(await ask('bearer a.b.c')).toBe('InvalidProviderToken')
    expect(await ask('bearer ')).toBe('MissingProviderToken')
    expect(await ask('Basic x')).toBe('MissingProviderToken')
  })

  it('a good provider token where certificates are demanded: none makes up for a missing one', async () => {
    const desk = new Desk()
    const headers = { 'apns-topic': APP, authorization: desk.issueKey() }
    const answer = await accept(desk.request({ clientCertificate: undefined, headers }), desk.ports)
    expect(reasonOf(answer)).toBe('InvalidProviderToken')
  })

  it('a certificate next to which any authorization is ignored', async () => {
    const desk = new Desk()
    const headers = { 'apns-topic': APP, authorization: 'bearer a.b' }
    expect((await accept(desk.request({ headers }), desk.ports)).status).toBe(200)
  })

  it('more for one token than the stage allows, judged last', async () => {
    const desk = new Desk()
    desk.permits = 1
    expect((await accept(desk.request(), desk.ports)).status).toBe(200)
    expect(reasonOf(await accept(desk.request(), desk.ports))).toBe('TooManyRequests')
    expect(reasonOf(await accept(desk.request({ body: '' }), desk.ports))).toBe('PayloadEmpty')
  })
})

describe('by provider token', () => {
  const byToken = { clientCertificate: undefined, tokenSource: '192.0.2.1' }

  it('a notification is accepted, for a topic of the key', async () => {
    const desk = new Desk()
    const headers = { 'apns-topic': APP, authorization: desk.issueKey() }
    expect((await accept(desk.request({ ...byToken, headers }), desk.ports)).status).toBe(200)
    expect(desk.queued).toHaveLength(1)
  })

  it('no topic but those of the key is sent to, and none is guessed', async () => {
    const desk = new Desk()
    desk.register(VOIP)
    const authorization = desk.issueKey()
    const ask = async (headers: Record<string, string>) =>
      reasonOf(
        await accept(
          desk.request({ ...byToken, headers: { authorization, ...headers } }),
          desk.ports,
        ),
      )
    expect(await ask({ 'apns-topic': VOIP })).toBe('TopicDisallowed')
    expect(await ask({})).toBe('MissingTopic')
    const path = `/3/device/${desk.token(VOIP)}`
    const headers = { authorization, 'apns-topic': APP }
    const answer = await accept(desk.request({ ...byToken, path, headers }), desk.ports)
    expect(reasonOf(answer)).toBe('DeviceTokenNotForTopic')
  })

  it('nothing is learned of a device token without a good one', async () => {
    const desk = new Desk()
    for (const authorization of [undefined, 'bearer a.b.c', desk.issueKey().slice(0, -9)]) {
      const headers = { 'apns-topic': APP, authorization }
      const answer = await accept(
        desk.request({ ...byToken, headers, path: '/3/device/00' }),
        desk.ports,
      )
      expect(answer.status).toBe(403)
    }
  })

  it('a key that has had its share hears so, and other keys do not', async () => {
    const desk = new Desk()
    const [one, other] = ['KEY0000001', 'KEY0000002'] as [ProviderKeyId, ProviderKeyId]
    desk.overspent.add(one)
    const ask = async (authorization: string) => {
      const headers = { 'apns-topic': APP, authorization }
      return (await accept(desk.request({ ...byToken, headers }), desk.ports)).status
    }
    expect(await ask(desk.issueKey([APP], one))).toBe(429)
    expect(await ask(desk.issueKey([APP], other))).toBe(200)
  })

  it('a certificate beside it is the credential, and the token is not looked at', async () => {
    const desk = new Desk()
    const headers = { 'apns-topic': APP, authorization: 'bearer a.b' }
    const request = desk.request({ headers, tokenSource: '192.0.2.1' })
    expect((await accept(request, desk.ports)).status).toBe(200)
  })
})

describe('a provider that has had its share', () => {
  it('hears so before anything is read for it, and others do not', async () => {
    const desk = new Desk()
    const { fingerprint256 } = new X509Certificate(certificates.several)
    desk.overspent.add(fingerprint256.replaceAll(':', '').toLowerCase())
    const answer = await accept(desk.request({ body: '' }), desk.ports)
    expect(reasonOf(answer)).toBe('TooManyRequests')
    expect(desk.queued).toEqual([])
    desk.overspent.clear()
    expect((await accept(desk.request(), desk.ports)).status).toBe(200)
  })
})

describe('the state of a device token', () => {
  const send = async (desk: Desk, token: string, topic: Topic = APP, pem = certificates.several) =>
    accept(
      desk.request({
        path: `/3/device/${token}`,
        headers: { 'apns-topic': topic },
        clientCertificate: pem,
      }),
      desk.ports,
    )

  it('unregistered: 410 with when', async () => {
    const desk = new Desk()
    desk.register(APP, { live: false, unregisteredAt: 1_234 })
    const answer = await send(desk, desk.token())
    expect(answer.body).toBe('{"reason":"Unregistered","timestamp":1234}')
  })

  it('ended by the operator: 410 ExpiredToken, until the device unregisters anew', async () => {
    const desk = new Desk()
    desk.register(APP, { live: false, unregisteredAt: 5, expiredAt: 5 })
    expect((await send(desk, desk.token())).body).toBe('{"reason":"ExpiredToken","timestamp":5}')
    desk.register(APP, { live: false, unregisteredAt: 9, expiredAt: 5 })
    expect((await send(desk, desk.token())).body).toBe('{"reason":"Unregistered","timestamp":9}')
  })

  it('never registered, though sealed by a key of the ring: as if never issued', async () => {
    const desk = new Desk()
    const answer = await send(desk, desk.token(VOIP), VOIP)
    expect(reasonOf(answer)).toBe('BadDeviceToken')
    const forged = await send(desk, 'ab'.repeat(32))
    expect(answer.headers['heliograph-detail']).toBe(forged.headers['heliograph-detail'])
  })

  it('of another topic of the certificate: the detail names it', async () => {
    const desk = new Desk()
    const answer = await send(desk, desk.token(APP), VOIP)
    expect(reasonOf(answer)).toBe('DeviceTokenNotForTopic')
    expect(answer.headers['heliograph-detail']).toContain(`is for topic ${APP}, not ${VOIP}`)
  })

  it('of a topic outside the certificate: nothing is told but that, dead or alive', async () => {
    const desk = new Desk()
    desk.register(VOIP, { live: false, unregisteredAt: 5 })
    const answer = await send(desk, desk.token(VOIP), APP, certificates.single)
    expect(reasonOf(answer)).toBe('DeviceTokenNotForTopic')
    expect(answer.headers['heliograph-detail']).not.toContain(VOIP)
  })

  it('sealed with a key that is newer than the ring in memory: the ring is read again', async () => {
    const desk = new Desk()
    desk.newKeys = [newKey(2), ...desk.keys]
    expect((await send(desk, desk.token(APP, desk.newKeys[0]))).status).toBe(200)
  })
})
