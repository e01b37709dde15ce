import { aessiv } from '@noble/ciphers/aes.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockOpener } from '../src/token/one-block.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const key = bytes(64)
const labels = fc.uint8Array({ maxLength: 40 })

describe('a block that the library has sealed', () => {
  it('opens', () => {
    fc.assert(
      fc.property(key, labels, bytes(16), (key, label, plaintext) => {
        const open = blockOpener(key, label)
        const sealed = aessiv(key, label).encrypt(plaintext)
        // twice: nothing of one opening may show in the next
        for (let n = 0; n < 2; n += 1) expect([...(open(sealed) ?? [])]).toEqual([...plaintext])
      }),
      { numRuns: 500 },
    )
  })

  it('opens under no other label or key', () => {
    fc.assert(
      fc.property(key, key, labels, labels, bytes(16), (key, other, label, another, plaintext) => {
        fc.pre(label.join() !== another.join() && key.join() !== other.join())
        const sealed = aessiv(key, label).encrypt(plaintext)
        expect(blockOpener(key, another)(sealed)).toBeUndefined()
        expect(blockOpener(other, label)(sealed)).toBeUndefined()
      }),
    )
  })
})

it('what the library does not open does not open here', () => {
  fc.assert(
    fc.property(key, labels, bytes(32), (key, label, sealed) => {
      expect(() => aessiv(key, label).decrypt(sealed)).toThrow()
      expect(blockOpener(key, label)(sealed)).toBeUndefined()
    }),
  )
})

it.each([0, 16, 31, 33, 48])('%i bytes are not a sealed block', (length) => {
  expect(blockOpener(new Uint8Array(64), new Uint8Array())(new Uint8Array(length))).toBeUndefined()
})
