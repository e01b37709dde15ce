/**
 * A PUBLISH packet, QoS 1 if it has a packet id [MQTT-3.3]; one buffer, so that it leaves as one
 * TLS record. With version 5, it has the required properties field, which is empty.
 */
export function publishFrame(
  topic: Buffer | string,
  message: Buffer | string,
  packetId?: number,
  version: 4 | 5 = 4,
  isRetained = false,
): Buffer {
  const [topicBytes, messageBytes] = [Buffer.byteLength(topic), Buffer.byteLength(message)]
  const idBytes = packetId === undefined ? 0 : 2
  const properties = version === 5 ? 1 : 0
  const remaining = 2 + topicBytes + idBytes + properties + messageBytes
  const frame = Buffer.allocUnsafe(1 + lengthBytes(remaining) + remaining)
  // [MQTT-3.3.1-8]: the last bit says that the message was there before the subscription
  frame[0] = (packetId === undefined ? 0x30 : 0x32) | (isRetained ? 1 : 0)
  let at = writeLength(frame, 1, remaining)
  at = frame.writeUInt16BE(topicBytes, at)
  at = put(topic, frame, at)
  if (packetId !== undefined) at = frame.writeUInt16BE(packetId, at)
  if (properties > 0) at = frame.writeUInt8(0, at)
  put(message, frame, at)
  return frame
}

function put(content: Buffer | string, frame: Buffer, at: number): number {
  return at + (typeof content === 'string' ? frame.write(content, at) : content.copy(frame, at))
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
