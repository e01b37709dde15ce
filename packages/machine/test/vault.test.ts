import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { VAULT_KEY_BYTES, vaultUnder } from '../src/trust/vault.ts'

const key = randomBytes(VAULT_KEY_BYTES)
const secret = new TextEncoder().encode('what nobody shall read')

test('a secret opens under its key and label, and nothing of it is in the clear', () => {
  const sealed = vaultUnder(key).seal('a label', secret)
  expect(new Uint8Array(vaultUnder(key).open('a label', sealed))).toEqual(secret)
  expect(Buffer.from(sealed).includes('what')).toBe(false)
})

test('the same secret looks different each time', () => {
  const vault = vaultUnder(key)
  expect(vault.seal('a label', secret)).not.toEqual(vault.seal('a label', secret))
})

test('another key, another label or a changed byte opens nothing, and says what to do', () => {
  const vault = vaultUnder(key)
  const sealed = vault.seal('a label', secret)
  const refusal = /does not open with this key: give the key/
  expect(() => vaultUnder(randomBytes(32)).open('a label', sealed)).toThrow(refusal)
  expect(() => vault.open('another', sealed)).toThrow(refusal)
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Uint8Array.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(() => vault.open('a label', changed)).toThrow(refusal)
  }
  for (let length = 0; length < sealed.length; length += 1)
    expect(() => vault.open('a label', sealed.subarray(0, length))).toThrow(refusal)
})
