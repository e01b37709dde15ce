import { expect, test } from 'vitest'
import { APP, certificates, Desk, NOW, VOIP } from '../../../tools/fuzz/desk.ts'
import { type AuthenticatePorts, authenticate } from '../src/send/authenticate.ts'

const ask = (desk: Desk, ports: AuthenticatePorts = desk.ports, pem = certificates.single) =>
  authenticate(desk.request({ clientCertificate: pem }), ports)

test('a certificate is read once, and its record looked up every time', async () => {
  const desk = new Desk()
  const authorities: string[] = []
  const find = async (name: 'provider' | 'device') => {
    authorities.push(name)
    return desk.ports.authorities.find(name)
  }
  const ports = { ...desk.ports, authorities: { find } }
  const first = await ask(desk, ports)
  expect(await ask(desk, ports)).toEqual(first)
  expect(authorities).toEqual(['provider'])
  desk.records.clear()
  expect(await ask(desk, ports)).toMatchObject({ reason: 'BadCertificate' })
})

test('what is not a certificate of this service is refused, each time with the same words', async () => {
  const desk = new Desk()
  const first = await ask(desk, desk.ports, 'no PEM')
  expect(first).toMatchObject({
    reason: 'BadCertificate',
    detail: expect.stringContaining('cannot be read'),
  })
  expect(await ask(desk, desk.ports, 'no PEM')).toEqual(first)
})

test('a certificate counts until it ends, however long it has been in memory', async () => {
  const desk = new Desk()
  expect(await ask(desk)).toHaveProperty('topics')
  desk.now = NOW + 100 * 365 * 24 * 3600_000
  expect(await ask(desk)).toMatchObject({ reason: 'BadCertificate' })
})

test('a provider is known by its credential: which kind it is, its id and its topics', async () => {
  const desk = new Desk()
  expect(await ask(desk)).toEqual({
    ...{ credential: 'certificate', topics: [APP] },
    id: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  const headers = { authorization: desk.issueKey([APP, VOIP]) }
  const request = desk.request({ headers, clientCertificate: undefined, tokenSource: '192.0.2.1' })
  expect(await authenticate(request, desk.ports)).toEqual({
    ...{ credential: 'key', id: 'ABC123DEFG', topics: [APP, VOIP] },
  })
})

test('certificates in memory are bounded: a thousand, then it starts anew', async () => {
  const desk = new Desk()
  const cache = desk.ports.certificates
  for (let index = 0; index < 999; index++) cache.set(String(index), { fault: 'other' } as never)
  await ask(desk)
  expect(cache.size).toBe(1_000)
  await ask(desk, desk.ports, certificates.several)
  expect([...cache.keys()]).toEqual([certificates.several])
})

test('without the authority nobody is believed: a fault, not an answer', async () => {
  const desk = new Desk()
  const ports = { ...desk.ports, authorities: { find: async () => undefined } }
  await expect(ask(desk, ports)).rejects.toThrow('provider CA')
})

test.each([
  ['Bearer x', 'InvalidProviderToken'],
  ['bearer   x', 'InvalidProviderToken'],
  ['bearer', 'MissingProviderToken'],
  ['bearer ', 'MissingProviderToken'],
  ['bearerx', 'MissingProviderToken'],
  ['x bearer y', 'MissingProviderToken'],
  [undefined, 'MissingProviderToken'],
])('without a certificate, authorization "%s" is %s', async (authorization, reason) => {
  const desk = new Desk()
  const headers = authorization === undefined ? {} : { authorization }
  const request = { ...desk.request(), headers, clientCertificate: undefined }
  expect(await authenticate(request, desk.ports)).toMatchObject({ reason })
})
