import { randomBytes } from 'node:crypto'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findOwnerKey } from '../src/trust/owner-key.ts'
import { temporaryFolder } from './folder.ts'

const hex = randomBytes(32).toString('hex')
const bytes = new Uint8Array(Buffer.from(hex, 'hex'))

function setting() {
  const base = temporaryFolder()
  const folder = join(base, 'state')
  mkdirSync(folder)
  const keyFile = join(base, 'key')
  writeFileSync(keyFile, `${hex}\n`)
  return { base, folder, keyFile }
}

test('the key comes from a file, the systemd credential or the environment, in this order', () => {
  const { base, folder, keyFile } = setting()
  writeFileSync(join(base, 'heliograph'), Buffer.alloc(32, 7).toString('base64'))
  const environment = { CREDENTIALS_DIRECTORY: base, HELIOGRAPH_KEY: '0'.repeat(64) }
  const found = findOwnerKey({ folder, keyFile, environment })
  expect(found).toMatchObject({ source: 'file', path: keyFile })
  expect(new Uint8Array(found.bytes)).toEqual(bytes)
  const credential = findOwnerKey({ folder, environment })
  expect([credential.source, new Uint8Array(credential.bytes)]).toEqual([
    'credential',
    new Uint8Array(32).fill(7),
  ])
  const { HELIOGRAPH_KEY } = environment
  const last = findOwnerKey({ folder, environment: { HELIOGRAPH_KEY } })
  expect([last.source, new Uint8Array(last.bytes)]).toEqual(['environment', new Uint8Array(32)])
})

test('without a key nothing is made, and the owner hears how to make one', () => {
  const { folder } = setting()
  expect(() => findOwnerKey({ folder, environment: {} })).toThrow(
    /openssl rand -hex 32 .*--key-file, the systemd credential heliograph or HELIOGRAPH_KEY/,
  )
})

test('a key inside the state folder is refused, except for development', () => {
  const { folder } = setting()
  const inside = join(folder, 'key')
  writeFileSync(inside, hex)
  const options = { folder, keyFile: inside, environment: {} }
  expect(() => findOwnerKey(options)).toThrow('is inside the state folder')
  expect(findOwnerKey({ ...options, mayMakeBesideData: true }).source).toBe('file')
})

test('for development a key is made beside the data, once, and it says so', () => {
  const { folder } = setting()
  const options = { folder, environment: {}, mayMakeBesideData: true }
  const first = findOwnerKey(options)
  expect(first.source).toBe('beside the data')
  expect(findOwnerKey(options)).toEqual(first)
  expect(statSync(first.path ?? '').mode & 0o777).toBe(0o600)
})

test.each(['', 'hunter2', hex.slice(1), `${hex}00`, Buffer.alloc(31).toString('base64')])(
  'what is not a key is refused: %j',
  (text) => {
    const { folder, keyFile } = setting()
    writeFileSync(keyFile, text)
    expect(() => findOwnerKey({ folder, keyFile, environment: {} })).toThrow(
      `${keyFile} holds no key: it must be 64 hex digits`,
    )
  },
)

test('a file that cannot be read is named', () => {
  const { folder } = setting()
  expect(() => findOwnerKey({ folder, keyFile: '/nowhere/key', environment: {} })).toThrow(
    'the key file /nowhere/key cannot be read (ENOENT)',
  )
})
