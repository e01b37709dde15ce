import { expect, test } from 'vitest'
import {
  MAX_ACTIVATION_CHARACTERS,
  MAX_ACTIVATION_CODE_CHARACTERS,
  MAX_BROADCAST_BYTES,
  MAX_BROKER_CA_CHARACTERS,
  MAX_CHANNELS,
  MAX_CSR_CHARACTERS,
  MAX_FILTERS,
  MAX_JOINED_CHANNELS,
  MAX_LIFETIME_SECONDS,
  MAX_MULTICAST_BYTES,
  MAX_REQUEST_BYTES,
  MAX_STORED_SECONDS,
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

test('the CAs of a broker have room for six times what Amazon’s need', () => {
  expect(MAX_BROKER_CA_CHARACTERS).toBeGreaterThan(6 * 5_000)
  // and the message that names them for one publish
  expect(MAX_BROKER_CA_CHARACTERS).toBeLessThan(MAX_REQUEST_BYTES / 2)
})

test('a request for many devices has at most 512 kB', () => {
  expect(MAX_MULTICAST_BYTES).toBe(524_288)
})

test('Apple keeps a notification for 30 days at most', () => {
  expect(MAX_LIFETIME_SECONDS).toBe(2_592_000)
})

test('channels have Apple’s limits: 10,000 a topic, 5,120 bytes, 8 hours', () => {
  expect([MAX_CHANNELS, MAX_BROADCAST_BYTES, MAX_STORED_SECONDS]).toEqual([10_000, 5_120, 28_800])
})

test('a device joins as many channels as IoT Core takes subscriptions, in seven requests', () => {
  expect([MAX_JOINED_CHANNELS, MAX_FILTERS]).toEqual([50, 8])
  expect(Math.ceil(MAX_JOINED_CHANNELS / MAX_FILTERS)).toBe(7)
})
