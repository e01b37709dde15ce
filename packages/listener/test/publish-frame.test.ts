import { type IPublishPacket, type Packet, parser } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { publishFrame } from '../src/publish-frame.ts'

/** What the parser of others makes of the bytes; nothing may be left over. */
function parsed(frame: Buffer, protocolVersion: 4 | 5): IPublishPacket {
  const reader = parser({ protocolVersion })
  const packets: Packet[] = []
  reader.on('packet', (packet) => packets.push(packet))
  expect(reader.parse(frame)).toBe(0)
  expect(packets).toHaveLength(1)
  return packets[0] as IPublishPacket
}

describe.each([4, 5] as const)('a PUBLISH of MQTT version %i', (version) => {
  test.each([
    ['QoS 0', undefined],
    ['QoS 1', 513],
  ])('has topic and message, at %s', (_what, id) => {
    for (const topic of ['heliograph/token', Buffer.from('heliograph/töken')])
      for (const message of ['{"a":"ü"}', Buffer.from('{"a":"ü"}'), '']) {
        const packet = parsed(publishFrame(topic, message, id, version), version)
        expect(packet).toMatchObject({ cmd: 'publish', qos: id === undefined ? 0 : 1, dup: false })
        expect(packet).toMatchObject({ topic: topic.toString(), retain: false })
        expect(packet.payload.toString()).toBe(message.toString())
        expect(packet.messageId).toBe(id)
      }
  })

  test('says that it was retained', () => {
    for (const id of [undefined, 7])
      expect(parsed(publishFrame('t', 'm', id, version, true), version)).toMatchObject({
        ...{ retain: true, dup: false, qos: id === undefined ? 0 : 1 },
      })
  })

  // the lengths around which the length itself takes another byte
  test.each([127, 128, 16_383, 16_384, 2_097_151, 2_097_152])('of %i bytes is whole', (length) => {
    const message = Buffer.alloc(length - 2 - 1 - (version === 5 ? 1 : 0), 'x')
    const packet = parsed(publishFrame('t', message, undefined, version), version)
    expect(packet.length).toBe(length)
    expect(packet.payload.length).toBe(message.length)
  })
})
