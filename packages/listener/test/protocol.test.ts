import { EventEmitter } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { chooseProtocol, type HttpProtocol } from '../src/protocol.ts'

/** As much of a socket as is asked for: what has arrived, and what was put back. */
class FakeSocket extends EventEmitter {
  alpnProtocol: string | false = false
  arrived: Buffer[] = []
  destroyed = false

  read = () => this.arrived.shift() ?? null
  unshift = (bytes: Buffer) => this.arrived.unshift(bytes)
  destroy = () => {
    this.destroyed = true
  }

  arrive(text: string): void {
    this.arrived.push(Buffer.from(text, 'latin1'))
    this.emit('readable')
  }
}

const WAIT_MS = 1_000
let socket: FakeSocket
let chosen: HttpProtocol[]

function choose(alpnProtocol: string | false = false): void {
  socket.alpnProtocol = alpnProtocol
  chooseProtocol(socket as unknown as TLSSocket, WAIT_MS, (protocol) => chosen.push(protocol))
}

beforeEach(() => {
  vi.useFakeTimers()
  socket = new FakeSocket()
  chosen = []
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a client that names its protocol', () => {
  test.each(['h2', 'http/1.1'] as const)('%s is taken at its word', (protocol) => {
    choose(protocol)
    expect(chosen).toEqual([protocol])
  })
})

describe('a client that names none', () => {
  test('speaks HTTP/2 where it begins with its preface, of which no byte is lost', () => {
    choose()
    socket.arrive('P')
    socket.arrive('R')
    expect(chosen).toEqual([])
    socket.arrive('I * HTTP/2.0\r\n')
    expect(chosen).toEqual(['h2'])
    expect(Buffer.concat(socket.arrived).toString()).toBe('PRI * HTTP/2.0\r\n')
  })

  test.each(['POST / HTTP/1.1', 'PRO', '\x16\x03\x01'])('speaks HTTP/1.1 otherwise: %j', (text) => {
    choose()
    socket.arrive(text)
    expect(chosen).toEqual(['http/1.1'])
    vi.advanceTimersByTime(WAIT_MS)
    expect(socket.destroyed).toBe(false)
  })

  test('is cut where it says nothing', () => {
    choose()
    vi.advanceTimersByTime(WAIT_MS - 1)
    expect(socket.destroyed).toBe(false)
    vi.advanceTimersByTime(1)
    expect(socket.destroyed).toBe(true)
    expect(chosen).toEqual([])
  })

  test('leaves no timer behind', () => {
    choose()
    socket.emit('close')
    expect(vi.getTimerCount()).toBe(0)
  })
})
