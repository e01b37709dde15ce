import { base32crockford } from '@scure/base'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { deviceIdFromBytes, deviceIdToBytes } from '../src/device-id.ts'

it("is Crockford's base 32 of ten bytes, in lower case, and leads back to them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), (bytes) => {
      const deviceId = deviceIdFromBytes(bytes)
      expect(deviceId).toBe(base32crockford.encode(bytes).toLowerCase())
      expect(deviceIdToBytes(deviceId)).toEqual(bytes)
    }),
  )
})

it('keeps zeros at the front', () => {
  const bytes = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
  expect(deviceIdFromBytes(bytes)).toBe('0000000000000001')
  expect(deviceIdToBytes(deviceIdFromBytes(bytes))).toEqual(bytes)
})

it('is made of nothing but ten bytes', () => {
  for (const length of [0, 9, 11])
    expect(() => deviceIdFromBytes(new Uint8Array(length))).toThrow('10 bytes')
})
