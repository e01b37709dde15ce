import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openMoveFile, sealMoveFile } from '../src/move-file.ts'
import { parseMoveRecords } from '../src/operations/move-record.ts'
import { run, scratchFolder } from './support.ts'

const folder = scratchFolder()
afterAll(() => folder.remove())

const PASSPHRASE = 'correct horse battery staple'

const stage = { kind: 'stage', stage: 'machine', exportedAt: 5 }
const deviceId = '0123456789abcdef'
const topic = 'com.example.app'
const tokenKey = {
  ...{ id: '01ARZ3NDEKTSV4RRFFQ69G5FAV', createdAt: 5 },
  key: randomBytes(64).toString('base64'),
}
const providerKey = {
  ...{ keyId: 'ABC123DEFG', teamId: 'ABCDE12345', topics: [topic] },
  ...{ publicKey: 'MFkw', createdAt: 5 },
}
const provider = {
  ...{ fingerprint: 'ab'.repeat(32), topics: [topic], serial: '01', subject: 'CN=app' },
  ...{ notBefore: 5, notAfter: 6, issuedAt: 5 },
}
const certificate = { certificateId: 'c', keyHash: 'k', certificate: 'PEM', notAfter: 6 }
const registration = { deviceId, topic, live: true, registeredAt: 5 }
const device = {
  kind: 'device',
  device: { deviceId, activatedAt: 5, certificates: [certificate] },
  registrations: [registration],
  pending: ['{}'],
}
const broadcast = (change: object = {}) =>
  JSON.stringify({
    ...{ channel: 'A'.repeat(24), topic, seq: '01ARZ3NDEKTSV4RRFFQ69G5FAV', expiration: 7 },
    ...change,
  })
const channel = {
  kind: 'channel',
  channel: { id: 'A'.repeat(24), topic, storagePolicy: 1, createdAt: 5 },
  stored: broadcast(),
}
const good = [
  stage,
  { kind: 'authority', name: 'device', certificate: 'PEM' },
  { kind: 'tokenKey', key: tokenKey },
  { kind: 'providerKey', key: providerKey },
  { kind: 'provider', record: provider },
  channel,
  { ...channel, stored: undefined },
  device,
]
const textOf = (records: readonly unknown[]) => records.map((one) => JSON.stringify(one)).join('\n')

describe('the lines of an export', () => {
  it('are taken where they are of this version', () => {
    expect(parseMoveRecords(textOf(good))).toEqual(good)
  })

  it.each([
    ['a kind of a later version', { kind: 'shadow', id: 'x' }],
    ['a channel without an id of one', { ...channel, channel: { ...channel.channel, id: '+' } }],
    ['a channel of no topic', { ...channel, channel: { ...channel.channel, topic: '#' } }],
    [
      'a channel that stores what none can',
      { ...channel, channel: { ...channel.channel, storagePolicy: 2 } },
    ],
    ['a channel that stores no message', { ...channel, stored: 'hello' }],
    [
      'a channel that stores what is of another',
      { ...channel, stored: broadcast({ channel: 'B'.repeat(24) }) },
    ],
    [
      'a channel that stores what is of another app',
      { ...channel, stored: broadcast({ topic: 'com.example.b' }) },
    ],
    ['a channel that stores what has no order', { ...channel, stored: broadcast({ seq: '1' }) }],
    [
      'a channel that stores what has no end',
      { ...channel, stored: broadcast({ expiration: null }) },
    ],
    ['a kind that every object has', { kind: 'toString' }],
    ['no object', 7],
    ['a list', []],
    ['a CA that there is not', { kind: 'authority', name: 'root', certificate: 'PEM' }],
    ['a token key that is too short', { kind: 'tokenKey', key: { ...tokenKey, key: 'AAAA' } }],
    ['a token key without an id', { kind: 'tokenKey', key: { ...tokenKey, id: 'x' } }],
    ['a token key without a time', { kind: 'tokenKey', key: { ...tokenKey, createdAt: '5' } }],
    ['no token key', { kind: 'tokenKey' }],
    ['a provider key of no team', { kind: 'providerKey', key: { ...providerKey, teamId: 'x' } }],
    ['a provider key for no topic', { kind: 'providerKey', key: { ...providerKey, topics: 'x' } }],
    ['a bad topic', { kind: 'providerKey', key: { ...providerKey, topics: ['a/#'] } }],
    ['a bad fingerprint', { kind: 'provider', record: { ...provider, fingerprint: 'x' } }],
    ['a provider without its times', { kind: 'provider', record: { ...provider, notAfter: null } }],
    ['a device with a name of its own', { ...device, device: { ...device.device, deviceId: '+' } }],
    ['a device without certificates', { ...device, device: { deviceId, activatedAt: 5 } }],
    ['a certificate that is none', { ...device, device: { ...device.device, certificates: [{}] } }],
    [
      'a registration of another device',
      { ...device, registrations: [{ ...registration, deviceId: 'fedcba9876543210' }] },
    ],
    [
      'a registration for a filter',
      { ...device, registrations: [{ ...registration, topic: '#' }] },
    ],
    ['a notification that is no text', { ...device, pending: [{}] }],
  ])('are refused as a whole with %s', (_name, line) => {
    expect(() => parseMoveRecords(textOf([...good, line]))).toThrow('line 9 of the export')
  })

  it.each([
    ['text', 'hello'],
    ['nothing', ''],
    ['another first line', textOf(good.slice(1))],
  ])('are refused where they are %s', (_name, text) => {
    expect(() => parseMoveRecords(text)).toThrow('line 1 of the export')
  })
})

describe('the file of an export', { timeout: 60_000 }, () => {
  const lineEnd = (file: Buffer) => file.indexOf('\n') + 1

  it('opens with its passphrase, as it was, and with no other', async () => {
    const file = await sealMoveFile(textOf(good), PASSPHRASE)
    expect(await openMoveFile(file, PASSPHRASE)).toBe(textOf(good))
    expect(file.includes(topic)).toBe(false)
    await expect(openMoveFile(file, 'another')).rejects.toThrow('the passphrase is wrong')
  })

  it('is refused where a byte of it was changed, wherever, or its end cut off', async () => {
    const file = await sealMoveFile(textOf(good), PASSPHRASE)
    const withByte = (at: number, byte: number) => {
      const copy = Buffer.from(file)
      copy.writeUInt8(byte, at)
      return copy
    }
    const changed = (at: number) => withByte(at, file.readUInt8(at) ^ 1)
    const salt = file.indexOf('"salt":"') + 8
    const [A, B] = [0x41, 0x42]
    // another letter of base64: what is none is not such a file
    const otherSalt = withByte(salt, file[salt] === A ? B : A)
    const copies = [otherSalt, changed(lineEnd(file)), changed(file.length - 1)]
    for (const copy of [...copies, file.subarray(0, -1)])
      await expect(openMoveFile(copy, PASSPHRASE)).rejects.toMatchObject({ kind: 'refused' })
  })

  it('is told from other files before its passphrase costs anything', async () => {
    const file = await sealMoveFile('x', PASSPHRASE)
    const head = JSON.parse(file.subarray(0, lineEnd(file)).toString()) as Record<string, unknown>
    const withHead = (change: object) =>
      Buffer.concat([
        Buffer.from(`${JSON.stringify({ ...head, ...change })}\n`),
        file.subarray(lineEnd(file)),
      ])
    const others = [
      ...[Buffer.alloc(0), Buffer.from('{}\n'), randomBytes(2_000), file.subarray(0, 20)],
      ...[{ version: 2 }, { heliograph: 'backup' }, { salt: undefined }, { salt: 'AAAA' }].map(
        withHead,
      ),
      ...[{ nonce: [] }, { nonce: Array.from({ length: 16 }, () => 0) }].map(withHead),
      withHead({ scrypt: { N: 2 ** 30, r: 8, p: 1 } }),
    ]
    for (const other of others)
      await expect(openMoveFile(other, PASSPHRASE)).rejects.toMatchObject({
        kind: 'usage',
        message: 'this is not a file that heliograph export has made',
      })
  })
})

describe('export and import, before they ask the deployment', () => {
  const file = (name: string, text: string | Buffer) => {
    const path = join(folder.path, name)
    writeFileSync(path, text)
    return path
  }

  it('replace no file', async () => {
    const [to, passphrase] = [file('there', 'of another'), file('passphrase', PASSPHRASE)]
    const ran = await run(['export', '--to', to, '--passphrase-file', passphrase])
    expect(ran).toMatchObject({ code: 4, err: expect.stringContaining('choose another --to') })
    expect(readFileSync(to, 'utf8')).toBe('of another')
  })

  it('want a passphrase that cannot be tried out', async () => {
    const passphrase = file('short', 'short\n')
    const to = join(folder.path, 'new')
    const ran = await run(['export', '--to', to, '--passphrase-file', passphrase])
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('at least 12 characters') })
  })

  it('name the line that they do not know', async () => {
    const passphrase = file('passphrase', PASSPHRASE)
    const from = file('later', await sealMoveFile(textOf([stage, { kind: 'x' }]), PASSPHRASE))
    const ran = await run(['import', '--from', from, '--passphrase-file', passphrase, '--yes'])
    expect(ran).toMatchObject({ code: 4, err: expect.stringContaining('line 2 of the export') })
  })
})
