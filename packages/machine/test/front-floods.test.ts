import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type FrontWorld, OURS, openSession, send, startWorld } from './front-support.ts'

/** RFC 9113 §4.1. */
function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const DATA = 0
const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const PING = 6
const CONTINUATION = 9
const END_STREAM = 1
const END_HEADERS = 4

const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(SETTINGS, 0, 0),
])

/** `:method POST`, `:scheme https`, `:authority localhost`, `:path /theirs` (RFC 7541, indexed and literal without indexing). */
const headers = Buffer.concat([
  Buffer.from([0x83, 0x87, 0x01, 9]),
  Buffer.from('localhost'),
  Buffer.from([0x04, 7]),
  Buffer.from('/theirs'),
])
/** A literal header field of a kilobyte. */
const bigField = Buffer.concat([
  Buffer.from([0x00, 1, 120, 0x7f, 0xf1, 0x06]),
  Buffer.alloc(1_008, 121),
])

/** A client that says what no library would, and reads what it is told. */
async function openRaw({ front, ca }: FrontWorld): Promise<TLSSocket> {
  const socket = connect({
    ...{ host: '127.0.0.1', port: front.port, servername: 'localhost', ca },
    ALPNProtocols: ['h2'],
  })
  socket.on('error', () => {})
  socket.resume()
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  socket.write(preface)
  return socket
}

/** Writes the same on and on, until the server has had enough or all is written. */
async function flood(socket: TLSSocket, bytes: Buffer, times: number): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve))
  for (let n = 0; n < times && !socket.destroyed; n += 1)
    if (!socket.write(bytes))
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
}

const many = (bytes: Buffer, count: number) =>
  Buffer.concat(Array.from({ length: count }, () => bytes))

describe('a stranger that floods one connection keeps nobody waiting:', () => {
  test.each([
    ['headers without end', frame(HEADERS, 0, 1, headers), frame(CONTINUATION, 0, 1, bigField)],
    ['settings', Buffer.alloc(0), frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0]))],
    ['pings', Buffer.alloc(0), frame(PING, 0, 0, Buffer.alloc(8))],
    ['empty pieces of a body', frame(HEADERS, END_HEADERS, 1, headers), frame(DATA, 0, 1)],
  ])('%s', async (_, first, again) => {
    // where Node stops reading and says nothing, a PING finds out
    const world = await startWorld({ quietMs: 1_000, pongMs: 3_000 })
    const bystander = openSession(world)
    expect(await send(bystander, OURS).status).toBe(200)
    const socket = await openRaw(world)
    socket.write(first)
    const flooding = flood(socket, many(again, 500), 200)
    for (let n = 0; n < 5; n += 1) expect(await send(bystander, OURS).status).toBe(200)
    await flooding
    expect(await send(openSession(world), OURS).status).toBe(200)
    expect(world.asked).not.toContain('/theirs')
  })

  test('a body byte by byte counts for what its pieces take', async () => {
    const world = await startWorld({ bufferedBytes: 100_000 })
    const session = openSession(world)
    const { stream, status } = send(session, OURS, { end: false })
    for (let n = 0; n < 5_000 && !stream.destroyed; n += 1)
      await new Promise((resolve) => stream.write('x', resolve))
    expect(await status).toBe(503)
  })
})

test('streams that a stranger resets as soon as they are open never reach the rules', async () => {
  const world = await startWorld()
  const socket = await openRaw(world)
  const cancel = Buffer.from([0, 0, 0, 8])
  const opened = Array.from({ length: 300 }, (_, n) => [
    frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, headers),
    frame(RST_STREAM, 0, 2 * n + 1, cancel),
  ])
  const heard = once(socket, 'data')
  socket.write(Buffer.concat(opened.flat()))
  await heard
  expect(await send(openSession(world), OURS).status).toBe(200)
  expect(world.asked.filter((path) => path === '/theirs').length).toBeLessThan(10)
})
