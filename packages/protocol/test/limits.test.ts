import { expect, test } from 'vitest'
import {
  MAX_ACTIVATION_CHARACTERS,
  MAX_ACTIVATION_CODE_CHARACTERS,
  MAX_CSR_CHARACTERS,
  MAX_LIFETIME_SECONDS,
  MAX_MULTICAST_BYTES,
  MAX_REQUEST_BYTES,
  MAX_TOKENS,
} from '../src/limits.ts'

test('a device publishes what IoT Core takes: 128 KiB', () => {
  expect(MAX_REQUEST_BYTES).toBe(131_072)
})

test('the largest honest connect fits into one message', () => {
  const tokens = Array<string>(MAX_TOKENS).fill('f'.repeat(64))
  expect(JSON.stringify({ tokens }).length).toBeLessThan(MAX_REQUEST_BYTES)
})

test('the largest activation fits into its limit, in base64 as well', () => {
  const csr = 'M'.repeat(MAX_CSR_CHARACTERS)
  const activationCode = 'c'.repeat(MAX_ACTIVATION_CODE_CHARACTERS)
  const body = Buffer.from(JSON.stringify({ csr, activationCode })).toString('base64')
  expect(body.length).toBeLessThan(MAX_ACTIVATION_CHARACTERS)
  expect(MAX_ACTIVATION_CHARACTERS).toBeLessThan(2 * body.length)
})

test('a certificate request has room for ten honest ones', () => {
  const honest = 500
  expect(MAX_CSR_CHARACTERS).toBeGreaterThan(10 * honest)
})

test('a request for many devices has at most 512 kB', () => {
  expect(MAX_MULTICAST_BYTES).toBe(524_288)
})

test('Apple keeps a notification for 30 days at most', () => {
  expect(MAX_LIFETIME_SECONDS).toBe(2_592_000)
})
