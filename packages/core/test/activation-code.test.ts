import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ACTIVATION_CODE_BYTES,
  activationCodeOf,
  hashActivationCode,
} from '../src/devices/activation-code.ts'

const bytes = () =>
  fc.uint8Array({ minLength: ACTIVATION_CODE_BYTES, maxLength: ACTIVATION_CODE_BYTES })

/** As somebody may read it out and type it. */
const spellings: readonly (readonly [string, (code: string) => string])[] = [
  ['as it was made', (code) => code],
  ['in small letters', (code) => code.toLowerCase()],
  ['without dashes', (code) => code.replaceAll('-', '')],
  ['with blanks and a line end', (code) => ` ${code.replaceAll('-', ' ')}\n`],
  ['with letters that look like digits', (code) => code.replaceAll('0', 'o').replaceAll('1', 'l')],
]

describe('an activation code', () => {
  test('is 128 random bits in 26 characters that are hard to mistake', () => {
    fc.assert(
      fc.property(bytes(), (random) => {
        expect(activationCodeOf(random)).toMatch(
          /^[0-9A-HJKMNP-TV-Z]{7}(-[0-9A-HJKMNP-TV-Z]{5,7}){3}$/,
        )
      }),
    )
    expect(() => activationCodeOf(new Uint8Array(15))).toThrow('16 bytes')
  })

  test.each(spellings)('is the same %s', (_how, spell) => {
    fc.assert(
      fc.property(bytes(), (random) => {
        const code = activationCodeOf(random)
        expect(hashActivationCode(spell(code))).toBe(hashActivationCode(code))
      }),
    )
  })

  test('is another one for other bits', () => {
    fc.assert(
      fc.property(bytes(), fc.nat(8 * ACTIVATION_CODE_BYTES - 1), (random, bit) => {
        const other = Uint8Array.from(random)
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const hashOf = (some: Uint8Array) => hashActivationCode(activationCodeOf(some))
        expect(hashOf(other)).not.toBe(hashOf(random))
      }),
    )
  })

  test.each([
    ['s3cret-of-my-own', 'S3CRET-OF-MY-OWN'],
    ['s3cret-of-my-own', 's3cretofmyown'],
    ['c2VjcmV0LW9mLW15LW93bi1zeXM', 'C2VJCMV0LW9MLW15LW93BI1ZEXM'],
    ['uuuuuuuuuuuuuuuuuuuuuuuuuu', 'UUUUUUUUUUUUUUUUUUUUUUUUUU'],
  ])('of the operator, %s, is taken as it is', (code, other) => {
    expect(hashActivationCode(other)).not.toBe(hashActivationCode(code))
  })

  test('is kept as the hash that was made of it from the beginning', () => {
    const code = activationCodeOf(Uint8Array.from({ length: 16 }, (_, index) => index))
    expect(code).toBe('000G40R-40M30E2-09185GR-38E1W')
    expect(hashActivationCode(code)).toBe(
      '71b965374aef957d2fa0353aa2ef824be3e509445e6a7a1f6795d2184ea84571',
    )
  })
})
