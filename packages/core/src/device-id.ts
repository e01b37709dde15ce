import type { DeviceId } from '@heliograph/protocol/identifiers'

/** The number of random bytes in a device id. */
export const DEVICE_ID_BYTES = 10

/** The digits of Crockford's base 32, in the order of their values. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
const BITS = 5n

/** A device id is one 80-bit number, so no bits of a digit are left over. */
export function deviceIdFromBytes(bytes: Uint8Array): DeviceId {
  if (bytes.length !== DEVICE_ID_BYTES) throw new Error('a device id is made of 10 bytes')
  const number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const digits = Array.from({ length: 16 }, (_, at) =>
    DIGITS.charAt(Number((number >> (BITS * BigInt(15 - at))) & 31n)),
  )
  return digits.join('') as DeviceId
}

export function deviceIdToBytes(deviceId: DeviceId): Uint8Array {
  const number = [...deviceId].reduce(
    (value, digit) => (value << BITS) | BigInt(DIGITS.indexOf(digit)),
    0n,
  )
  const hex = number.toString(16).padStart(2 * DEVICE_ID_BYTES, '0')
  return new Uint8Array(Buffer.from(hex, 'hex'))
}
