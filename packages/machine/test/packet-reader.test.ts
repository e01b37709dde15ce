import { describe, expect, test } from 'vitest'
import { PacketReader } from '../src/mqtt/packet-reader.ts'

const publish = (bytes: number) => {
  const body = Buffer.alloc(bytes, 7)
  return Buffer.concat([Buffer.from([0x30, (bytes & 127) | 128, bytes >> 7]), body])
}
const ping = Buffer.from([0xc0, 0])

function reader(most = 1e6) {
  const room = { held: 0, most }
  const packets: Buffer[] = []
  const one = new PacketReader(room)
  const read = (bytes: Buffer) => one.read(bytes, 16_000, (it) => packets.push(Buffer.from(it)))
  return { room, packets, read, one }
}

describe('packets in pieces', () => {
  test.each([1, 2, 3, 500, 4_999])('of %i bytes come whole, and leave nothing behind', (piece) => {
    const { room, packets, read } = reader()
    const sent = [publish(10_000), ping, publish(3), publish(129), ping]
    const bytes = Buffer.concat(sent)
    for (let at = 0; at < bytes.length; at += piece) read(bytes.subarray(at, at + piece))
    expect(packets).toEqual(sent)
    expect(room.held).toBe(0)
  })

  test('of one byte each are not copied once for each', () => {
    const { room, read } = reader()
    const bytes = publish(10_000)
    let grown = 0
    for (let at = 0; at < bytes.length - 1; at += 1) {
      const before = room.held
      read(bytes.subarray(at, at + 1))
      if (room.held !== before) grown += 1
    }
    expect(grown).toBeLessThan(20)
    expect(room.held).toBeLessThan(2 * bytes.length)
  })

  test('count for what they hold, until the connection ends', () => {
    const { room, read, one } = reader(5_000)
    expect(read(publish(10_000).subarray(0, 4_000))).toBeUndefined()
    expect(read(Buffer.alloc(2_000))).toBe('no-room')
    one.end()
    expect(room.held).toBe(0)
    expect(one.isWithin).toBe(false)
  })
})
