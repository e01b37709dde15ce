import { once } from 'node:events'
import * as http2 from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { MachineError } from '../src/failure.ts'
import { serverCertificate } from '../src/server/server-certificate.ts'
import { systemClock, systemIds } from '../src/world.ts'
import { makeAuthority } from './device-server-support.ts'
import { type FrontWorld, OURS, openSession, send, startWorld } from './front-support.ts'

async function openSilent({ front, ca }: FrontWorld): Promise<TLSSocket> {
  const socket = connect({
    port: front.port,
    servername: 'localhost',
    ca,
    ALPNProtocols: ['h2'],
  }).resume()
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')])
  return socket
}

test('connections that say nothing keep nobody out, and nobody who is known is cut for them', async () => {
  const world = await startWorld({ connections: 3, newcomers: 3 })
  const known = openSession(world)
  expect(await send(known, OURS).status).toBe(200)
  const silent: TLSSocket[] = []
  for (let n = 0; n < 8; n += 1) silent.push(await openSilent(world))
  const half = Array.from({ length: 8 }, () => connectPlain(world.front.port, '127.0.0.1'))
  for (const socket of half) onTestFinished(() => void socket.on('error', () => {}).destroy())
  await expect.poll(() => silent.filter(({ destroyed }) => destroyed).length).toBe(8)
  const later = openSession(world)
  expect(await send(later, OURS).status).toBe(200)
  expect(await send(known, OURS).status).toBe(200)
})

test('who is refused all the time stays a stranger', async () => {
  const world = await startWorld({ connections: 2, newcomers: 2 })
  const stranger = openSession(world)
  for (let n = 0; n < 3; n += 1) expect(await send(stranger, '/theirs').status).toBe(403)
  for (let n = 0; n < 3; n += 1) await openSilent(world)
  await expect.poll(() => stranger.destroyed).toBe(true)
})

test('bodies under way hold no more than they may together, and what they held is given back', async () => {
  const world = await startWorld({ bufferedBytes: 100_000 })
  const body = 'x'.repeat(60_000)
  const first = send(openSession(world), OURS, { body, end: false })
  const second = send(openSession(world), OURS, { body, end: false })
  const third = send(openSession(world), OURS, { body, end: false })
  const refused = await Promise.race([first, second, third].map(({ status }) => status))
  expect(refused).toBe(503)
  for (const { stream } of [first, second, third]) stream.close()
  const again = openSession(world)
  await expect.poll(() => send(again, OURS, { body }).status).toBe(200)
})

test('bodies of HTTP/1.1, too', async () => {
  const world = await startWorld({ bufferedBytes: 50_000 })
  const { ca, front } = world
  const call = httpsRequest({ ca, host: 'localhost', port: front.port, method: 'POST', path: OURS })
  call.on('error', () => {})
  onTestFinished(() => void call.destroy())
  call.write('x'.repeat(60_000))
  const [{ statusCode }] = await once(call, 'response')
  expect(statusCode).toBe(503)
})

test('requests of strangers that do not end leave half of the room to those who are known', async () => {
  const world = await startWorld({ inFlight: 20 })
  const known = openSession(world)
  expect(await send(known, OURS).status).toBe(200)
  const stranger = openSession(world)
  const sent = Array.from({ length: 18 }, () => send(stranger, '/theirs', { end: false }).status)
  expect(await Promise.race(sent)).toBe(503)
  expect(await send(known, OURS).status).toBe(200)
})

test('a client that takes no answers cannot pile them up: its streams are reset', async () => {
  const world = await startWorld({ inFlight: 5, streams: 100 })
  const session = openSession(world, { initialWindowSize: 0 })
  const sent = Array.from({ length: 40 }, () => send(session, '/theirs', { end: false }))
  const codes = await Promise.all(sent.map(({ status }) => status))
  expect(codes).toContain(503)
  expect(codes.filter((code) => code === -http2.constants.NGHTTP2_REFUSED_STREAM).length).toBe(30)
})

test('what many answers share is written as it is, over either protocol', async () => {
  const world = await startWorld()
  const shared = { status: 200, headers: {}, body: 'text', bytes: Buffer.from('bytes') }
  world.answer = async () => shared
  const stream = openSession(world).request({ ':path': OURS }).setEncoding('utf8')
  expect((await stream.toArray()).join('')).toBe('bytes')
  const options = { port: world.front.port, path: OURS, ca: world.ca }
  const [response] = await once(httpsRequest(options).end(), 'response')
  expect((await response.setEncoding('utf8').toArray()).join('')).toBe('bytes')
  expect(response.headers['content-length']).toBe('5')
})

test('headers beyond their limit are 431, before anybody looks at a token in them', async () => {
  const world = await startWorld()
  const session = openSession(world)
  const stream = session.request({
    ...{ ':method': 'POST', ':path': OURS },
    authorization: `bearer ${'x'.repeat(11_000)}`,
  })
  const [headers] = await once(stream, 'response')
  expect(headers[':status']).toBe(431)
  expect(world.asked).toEqual([])
})

test('a body that does not end is 408, and an answer that does not come 503', async () => {
  const world = await startWorld({ bodyMs: 200, answerMs: 200 })
  const session = openSession(world)
  expect(await send(session, OURS, { body: 'x', end: false }).status).toBe(408)
  world.answer = () => new Promise(() => {})
  expect(await send(session, OURS).status).toBe(503)
})

test('a connection without a request is closed after its time', async () => {
  const world = await startWorld({ idleMs: 100, quietMs: 50 })
  const session = openSession(world)
  await once(session, 'close')
})

test('a port that is taken is said in words that an owner can act on', async () => {
  const { front } = await startWorld()
  const again = startWorld({}, front.port)
  await expect(again).rejects.toThrow(MachineError)
  await expect(again).rejects.toThrow(/is taken: give --port-base/)
})

test('another certificate is shown to those who come from then on', async () => {
  const world = await startWorld()
  const authority = await makeAuthority('another')
  const place = { clock: systemClock, ids: systemIds() }
  const open = openSession(world)
  await once(open, 'connect')
  world.front.show(await serverCertificate(['localhost'], authority, place))
  expect(await send(open, OURS).status).toBe(200)
  const next = openSession({ ...world, ca: authority.certificate })
  expect(await send(next, OURS).status).toBe(200)
  expect(() => world.front.show({ cert: 'x', key: 'y' })).toThrow()
  expect(await send(openSession({ ...world, ca: authority.certificate }), OURS).status).toBe(200)
})
