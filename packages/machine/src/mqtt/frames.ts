/** Bytes of a fixed header: one of type and flags, one to four of length [MQTT 3.1.1, 2.2]. */
const MOST_LENGTH_BYTES = 4

/** A PUBLISH packet, QoS 1 if it has a packet id [MQTT-3.3]; one buffer, so that it leaves as one TLS record. */
export function publishFrame(
  topic: Buffer,
  message: string,
  version: 4 | 5,
  packetId?: number,
): Buffer {
  const properties = version === 5 ? 1 : 0
  const messageBytes = Buffer.byteLength(message)
  const idBytes = packetId === undefined ? 0 : 2
  const remaining = 2 + topic.length + idBytes + properties + messageBytes
  const frame = Buffer.allocUnsafe(1 + lengthBytes(remaining) + remaining)
  frame[0] = packetId === undefined ? 0x30 : 0x32
  let at = writeLength(frame, 1, remaining)
  at = frame.writeUInt16BE(topic.length, at)
  at += topic.copy(frame, at)
  if (packetId !== undefined) at = frame.writeUInt16BE(packetId, at)
  if (properties > 0) at = frame.writeUInt8(0, at)
  frame.write(message, at)
  return frame
}

/** MQTT's variable byte integer [MQTT 3.1.1, 2.2.3]. */
function writeLength(frame: Buffer, start: number, length: number): number {
  let at = start
  let rest = length
  while (rest > 127) {
    frame[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  frame[at++] = rest
  return at
}

function lengthBytes(length: number): number {
  if (length < 128) return 1
  if (length < 16_384) return 2
  return length < 2_097_152 ? 3 : 4
}

/**
 * Where the packet that begins at `start` ends. Undefined where its header has not come whole;
 * `malformed` where its length has no end [MQTT 3.1.1, 2.2.3].
 */
export function packetEnd(bytes: Buffer, start: number): number | undefined | 'malformed' {
  let length = 0
  for (let n = 0; n < MOST_LENGTH_BYTES; n += 1) {
    const byte = bytes[start + 1 + n]
    if (byte === undefined) return undefined
    length += (byte & 127) * 128 ** n
    if ((byte & 128) === 0) return start + 2 + n + length
  }
  return 'malformed'
}
