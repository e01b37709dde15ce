/** Bytes of a fixed header: one of type and flags, one to four of length [MQTT 3.1.1, 2.2]. */
const MOST_LENGTH_BYTES = 4

/**
 * Where the packet that begins at `start` ends. Undefined while its header is incomplete;
 * `malformed` if its length has no end [MQTT 3.1.1, 2.2.3].
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
