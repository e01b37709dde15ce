import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { sealNotification } from '@heliograph/core/delivery/seal'
import type { Notification } from '@heliograph/core/notification'
import { type Device, openDevice } from '@heliograph/device'
import { type Machine, startMachine } from '@heliograph/machine/machine'
import { defaultSettings } from '@heliograph/machine/settings'
import type { ChannelId, DeviceId, Topic } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ran, run, scratchFolder, TestTerminal } from './support.ts'

const scratch = scratchFolder()
const state = join(scratch.path, 'state')
const out = (name: string) => join(scratch.path, name)
const key = new Uint8Array(32).fill(9)
const TOPIC = 'com.example.app'
let machine: Machine
let device: Device
let token: string

const log = { info() {}, warn() {}, error() {} }
const anyPort = {
  providerPort: 0,
  activationPort: 0,
  devicePort: 0,
  metricsPort: 0,
  channelPort: 0,
}

const serve = (folder: string, owner = key) =>
  startMachine({
    ...{ folder, key: owner, log, keySource: 'file' },
    settings: { ...defaultSettings, ...anyPort },
  })

const heliograph = (...argv: string[]): Promise<Ran> =>
  run(['--target', 'machine', '--state', state, ...argv])

async function json<T>(...argv: string[]): Promise<T> {
  const { code, out: printed, err } = await heliograph(...argv, '--json')
  if (code !== 0) throw new Error(`heliograph ${argv.join(' ')} ended with ${code}: ${err}`)
  return JSON.parse(printed) as T
}

const send = (...argv: string[]) =>
  heliograph(
    ...['send', '--token', token, '--topic', TOPIC, '--p12', out('app.p12')],
    ...['--passphrase-file', out('app.passphrase'), ...argv],
  )

/** What a channel stores for an hour. */
function stored(channel: ChannelId, seq: string) {
  const expiration = Math.floor(Date.now() / 1_000) + 3_600
  const message = JSON.stringify({ channel, topic: TOPIC, seq, expiration, payload: {} })
  return { message, expiresAt: expiration }
}

/** How many notifications are in their slots. */
const waiting = ({ store }: Machine) => store.pending.expired(Number.MAX_SAFE_INTEGER, 1_000).length

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

beforeAll(async () => {
  machine = await serve(state)
  await json('provider', 'issue', TOPIC, '--out', out('app'))
  const [{ code } = { code: '' }] = await json<{ code: string }[]>('device', 'invite')
  const url = `https://localhost:${machine.ports.activation}/activate`
  device = await openDevice({
    directory: out('device'),
    activation: { url, code, ca: machine.serverAuthority },
  })
  await device.activate()
  await device.connect()
  token = await device.register(TOPIC)
})

afterAll(async () => {
  await device?.close()
  await machine?.close()
  scratch.remove()
})

describe('providers of a machine', () => {
  it('a certificate that the command issued sends, and the device has it', async () => {
    const received: string[] = []
    device.onNotification(({ payloadText }) => {
      received.push(payloadText)
    })
    expect(await send('--alert', 'hello')).toMatchObject({
      code: 0,
      out: expect.stringContaining('200, accepted'),
    })
    expect(await until(() => received[0])).toBe('{"aps":{"alert":"hello"}}')
  })

  it('a revoked certificate is refused at once', async () => {
    await json('provider', 'issue', TOPIC, '--out', out('other'))
    const { fingerprint } = await json<{ fingerprint: string }>(
      ...['provider', 'revoke', out('other.pem'), '--reason', 'superseded'],
    )
    const list = await json<{ fingerprint: string; revokedAt?: number }[]>('provider', 'list')
    expect(list.find((one) => one.fingerprint === fingerprint)?.revokedAt).toBeTypeOf('number')
    const sent = await heliograph(
      ...['send', '--token', token, '--topic', TOPIC, '--p12', out('other.p12')],
      ...['--passphrase-file', out('other.passphrase')],
    )
    expect(sent.code).toBe(4)
    expect(sent.out + sent.err).toContain('403')
  })

  it('one that asks too often about channels gets 429, and sends notifications as before', async () => {
    await json('provider', 'issue', TOPIC, '--out', out('greedy'))
    const session = connect(`https://localhost:${machine.ports.channels}`, {
      ...{ ca: machine.serverAuthority, cert: readFileSync(out('greedy.pem')) },
      key: readFileSync(out('greedy.key')),
    })
    const statusOf = async (method: string, path: string) => {
      const head = { ':method': method, ':path': path, 'apns-topic': TOPIC }
      const stream = session.request(head, { endStream: false })
      const [headers] = await once(stream.end('{"aps":{}}').resume(), 'response')
      return Number(headers[':status'])
    }
    const list = () => statusOf('GET', `/1/apps/${TOPIC}/all-channels`)
    const statuses = await Promise.all(Array.from({ length: 300 }, list))
    const listed = statuses.filter((status) => status === 200).length
    expect(listed).toBeGreaterThanOrEqual(100)
    expect(statuses.filter((status) => status === 429)).toHaveLength(300 - listed)
    expect(listed).toBeLessThan(300)
    expect(await statusOf('POST', `/3/device/${token}`)).toBe(200)
    session.destroy()
  })

  it('the revocation list is signed by the CA of the state folder', async () => {
    const crl = out('app.crl')
    expect((await heliograph('provider', 'crl', '--out', crl)).code).toBe(0)
    expect(readFileSync(crl, 'utf8')).toContain('BEGIN X509 CRL')
  })

  it('a provider key is made, listed and revoked', async () => {
    const made = await json<{ keyId: string }>(
      ...['provider', 'key', 'create', TOPIC, '--team', 'ABCDE12345', '--out', out('key')],
    )
    const revoked = await heliograph('provider', 'key', 'revoke', made.keyId)
    expect(revoked.code).toBe(0)
    const keys = await json<{ keyId: string; revokedAt?: number }[]>('provider', 'key', 'list')
    expect(keys.find(({ keyId }) => keyId === made.keyId)?.revokedAt).toBeTypeOf('number')
  })
})

describe('channels of a machine', () => {
  const credentials = ['--topic', TOPIC, '--p12', out('app.p12')]
  const passphrase = ['--passphrase-file', out('app.passphrase')]
  const channel = <T>(...argv: string[]) =>
    json<T>('channel', ...argv, ...credentials, ...passphrase)
  const plainly = (...argv: string[]) =>
    heliograph('channel', ...argv, ...credentials, ...passphrase)

  it('are created, listed, shown and deleted', async () => {
    const none = await channel<{ channel: string }>('create', '--policy', '0')
    const latest = await channel<{ channel: string }>('create')
    expect(none).toMatchObject({
      channel: expect.stringMatching(/^[A-Za-z0-9]{24}$/),
      storagePolicy: 0,
    })
    expect(await channel('show', latest.channel)).toEqual({
      channel: latest.channel,
      storagePolicy: 1,
    })
    const { channels } = await channel<{ channels: string[] }>('list')
    expect(channels).toEqual(expect.arrayContaining([none.channel, latest.channel]))
    const unsure = await plainly('delete', none.channel)
    expect([unsure.code, unsure.err]).toEqual([4, expect.stringContaining('add --yes')])
    const both = [none.channel, latest.channel]
    expect(await channel('delete', ...both, '--yes')).toEqual({ deleted: both })
    const gone = await plainly('show', none.channel)
    expect([gone.code, gone.err]).toEqual([3, expect.stringContaining('ChannelNotRegistered')])
  })

  it('bring a broadcast to a device that has joined', async () => {
    const { channel: id } = await channel<{ channel: string }>('create')
    const received: unknown[] = []
    device.onNotification(({ channel: from, payloadText, stored }) => {
      received.push({ from, payloadText, stored })
    })
    await device.join(id)
    const sent = await plainly('publish', id, '--alert', 'Goal')
    expect(sent).toMatchObject({ code: 0, out: expect.stringContaining('200, accepted') })
    expect(await until(() => received[0])).toEqual({
      ...{ from: id, stored: false },
      payloadText: '{"aps":{"alert":"Goal"}}',
    })
    await device.leave(id)
  })

  it('refuse what they cannot do, and say what to do', async () => {
    const { channel: id } = await channel<{ channel: string }>('create', '--policy', '0')
    const stored = await plainly('publish', id, '--expiration', '4000000000')
    expect(stored).toMatchObject({ code: 4, out: expect.stringContaining('BadExpirationDate') })
    const short = await plainly('publish', 'short')
    expect([short.code, short.err]).toEqual([2, expect.stringContaining('24 letters and digits')])
    const foreign = await heliograph(
      ...['channel', 'list', '--topic', 'com.example.other', '--p12', out('app.p12')],
      ...passphrase,
    )
    expect([foreign.code, foreign.err]).toEqual([4, expect.stringContaining('TopicMismatch')])
    const whose = await heliograph('channel', 'list', '--p12', out('app.p12'), ...passphrase)
    expect([whose.code, whose.err]).toEqual([2, expect.stringContaining('--topic')])
  })
})

describe('tokens and keys of a machine', () => {
  it('a token is opened with every key there ever was', async () => {
    expect(await json('token', 'inspect', token)).toMatchObject({
      opens: true,
      deviceId: device.deviceId,
      topic: TOPIC,
      registration: 'live',
      answer: '200',
    })
  })

  it('a rotation makes a primary key; retiring an old one kills its tokens at once', async () => {
    const before = token
    const { created } = await json<{ created: string }>('key', 'rotate')
    const [primary, accepted] = await json<{ id: string; state: string }[]>('key', 'list')
    expect(primary).toMatchObject({ id: created, state: 'primary' })
    expect((await send()).code).toBe(0)
    token = await device.register(TOPIC)
    expect(token).not.toBe(before)
    const { code } = await heliograph('key', 'retire', accepted?.id ?? '', '--yes')
    expect(code).toBe(0)
    expect(await send('--token', before)).toMatchObject({
      code: 4,
      out: expect.stringContaining('BadDeviceToken'),
    })
    expect((await send()).code).toBe(0)
  })

  it('an expired token is 410 until the device registers again', async () => {
    expect((await heliograph('token', 'expire', token)).code).toBe(0)
    expect((await send()).out).toContain('410 ExpiredToken')
    token = await device.register(TOPIC)
    expect((await send()).code).toBe(0)
  })

  it('so is one that is ended by its device and topic', async () => {
    const ended = await json('device', 'expire', String(device.deviceId), TOPIC)
    expect(ended).toMatchObject({ deviceId: device.deviceId, topic: TOPIC })
    const sent = await send()
    expect(sent.out).toContain('410 ExpiredToken')
    expect(sent.out).toContain('what to do')
    expect(await heliograph('device', 'expire', String(device.deviceId), TOPIC)).toMatchObject({
      code: 4,
    })
    token = await device.register(TOPIC)
    expect((await send()).code).toBe(0)
  })

  it('feedback names the token that died', async () => {
    const { feedback } = await json<{ feedback: { reason: string }[] }>(
      ...['feedback', '--cert', out('app.pem'), '--key', out('app.key')],
    )
    expect(feedback.map(({ reason }) => reason)).toContain('Unregistered')
  })
})

describe('the status of a machine', () => {
  it('has its queues, its devices, and what it says of itself', async () => {
    expect(await json('status')).toMatchObject({
      queues: [
        { name: 'notifications', kind: 'work', waiting: 0 },
        { name: 'slots', kind: 'work' },
        { name: 'notifications', kind: 'deadLetters' },
      ],
      devices: { connected: 1 },
      alarms: { alarms: expect.arrayContaining([expect.objectContaining({ name: 'service' })]) },
    })
    expect((await heliograph('status')).out).toMatch(/connected devices {2}1\n/)
  })
})

describe('dead letters of a machine', () => {
  const letter = {
    id: '11111111-2222-4333-8444-555555555555',
    uniqueId: '11111111-2222-4333-8444-555555555556',
    idFromProvider: false,
    seq: '01M8B4TMFMQG84JW5X4ZGE60H3',
    topic: TOPIC,
    tokenFingerprint: '0123456789ab',
    acceptedAt: 1_000,
    expiration: 0,
    priority: 10,
    pushType: 'alert',
    payload: '{"aps":{}}',
    seal: '',
  }

  it('are listed without what they say, handed over again, and dropped', async () => {
    const deviceId = device.deviceId as DeviceId
    await machine.deadLetters.keep({ ...letter, deviceId } as never)
    expect(await json('dlq', 'list')).toEqual([{ queue: 'notifications', waiting: 1 }])
    const [listed] = await json<{ messageId: string; about: string }[]>(
      'dlq',
      'list',
      'notifications',
    )
    expect(listed?.about).toBe(`notification ${letter.id} for ${TOPIC} to ${deviceId}`)
    expect(
      await heliograph('dlq', 'drop', 'notifications', '--yes', '--message', 'x'),
    ).toMatchObject({ code: 3 })
    expect((await heliograph('dlq', 'drop', 'notifications', '--yes')).out).toContain('1 message')
    const genuine = { ...letter, deviceId } as never as Notification
    const seal = sealNotification(await machine.store.ring.keys(), genuine)
    await machine.deadLetters.keep({ ...genuine, seal })
    expect((await heliograph('dlq', 'redrive', 'notifications')).out).toContain('1 message handed')
    expect(await json('dlq', 'list')).toEqual([{ queue: 'notifications', waiting: 0 }])
  })

  it('that accept never made are not handed over: somebody else wrote them into the file', async () => {
    const forged = { ...letter, deviceId: device.deviceId, seal: 'F'.repeat(22) }
    await machine.deadLetters.keep(forged as never)
    const { out: text } = await heliograph('dlq', 'redrive', 'notifications')
    expect(text).toContain('0 messages handed')
    expect(await json('dlq', 'list')).toEqual([{ queue: 'notifications', waiting: 1 }])
    await heliograph('dlq', 'drop', 'notifications', '--yes')
  })

  it('other queues are not there, and it says so', async () => {
    expect(await heliograph('dlq', 'list', 'events')).toMatchObject({
      code: 2,
      err: expect.stringContaining('notifications only, not events'),
    })
  })
})

describe('the machine itself', () => {
  it('the doctor finds it well, and names the key and the disk', async () => {
    const { code, out: text } = await heliograph('doctor')
    expect(text).toMatch(/0 problems/)
    expect(code).toBe(0)
    expect(text).toMatch(/ok +encryption key +comes from the file, apart from the data/)
    expect(text).toMatch(/ok +provider CA key +the key in the state folder belongs/)
    expect(text).toMatch(/ok +provider edge mutual TLS/)
  })

  it('what is for AWS only says what to do instead', async () => {
    expect(await heliograph('stage', 'empty', 'machine', '--yes')).toMatchObject({
      code: 4,
      err: expect.stringContaining('stop the server and remove the folder'),
    })
  })

  it('nobody else can open the socket, and nothing but what is listed can be called', async () => {
    const socketPath = join(state, 'operator.sock')
    expect(statSync(socketPath).mode & 0o777).toBe(0o600)
    for (const path of [
      '/v1/machine/constructor',
      '/v1/__proto__/find',
      '/v1/store/close',
      '/v2/machine/state',
      '/',
    ]) {
      const call = request({ socketPath, method: 'POST', path }).end('[]')
      const [{ statusCode }] = await once(call, 'response')
      expect(statusCode, path).toBe(422)
    }
  })

  it('a folder from which nobody serves is unreachable, with what to do', async () => {
    mkdirSync(out('nobody'))
    const { code, err } = await run(['--target', 'machine', '--state', out('nobody'), 'doctor'])
    expect(code).toBe(5)
    expect(err).toContain('run heliograph serve')
  })

  it('listen is a device of it', async () => {
    const terminal = new TestTerminal()
    const listening = run(
      [
        '--target',
        'machine',
        '--state',
        state,
        'listen',
        '--topic',
        TOPIC,
        '--device',
        out('l'),
        '--count',
        '1',
      ],
      terminal,
    )
    const line = await until(() => terminal.printed.find((one) => one.includes('token')))
    await send('--token', line.split('token ')[1] ?? '', '--alert', 'heard')
    expect((await listening).out).toContain('heard')
  })
})

describe('a backup', () => {
  it('of a machine that serves brings everything back, with its key only', async () => {
    await device.close()
    // waits in its slot
    expect((await send('--alert', 'kept')).code).toBe(0)
    await until(() => waiting(machine) > 0)
    const file = out('one.backup')
    const made = await json<{ bytes: number }>('backup', '--to', file)
    expect(made.bytes).toBe(statSync(file).size)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await heliograph('backup', '--to', file)).toMatchObject({ code: 4 })

    const folder = out('restored')
    expect(await run(['restore', '--from', file, '--state', folder])).toMatchObject({ code: 0 })
    await expect(serve(folder, new Uint8Array(32))).rejects.toThrow('does not open with this key')
    const restored = await serve(folder)
    const args = ['--target', 'machine', '--state', folder]
    const shown = await run([...args, 'device', 'show', device.deviceId ?? '', '--json'])
    const { device: record, pending } = JSON.parse(shown.out)
    expect(record.certificates).toHaveLength(1)
    expect(pending).toHaveLength(1)
    const inspected = await run([...args, 'token', 'inspect', token, '--json'])
    expect(JSON.parse(inspected.out)).toMatchObject({ opens: true, answer: '200' })
    await restored.close()
  })

  it('has what was accepted and is under way, in the journal and nowhere else', async () => {
    const settings = { ...defaultSettings, ...anyPort, deliverPatienceSeconds: 4 }
    const folder = out('busy')
    const busy = await startMachine({ folder, key, log, keySource: 'file', settings })
    const there = (...argv: string[]) => run(['--target', 'machine', '--state', folder, ...argv])
    await there('provider', 'issue', TOPIC, '--out', out('busy-app'))
    const [{ code }] = JSON.parse((await there('device', 'invite', '--json')).out)
    const url = `https://localhost:${busy.ports.activation}/activate`
    const slow = await openDevice({
      directory: out('slow'),
      activation: { url, code, ca: busy.serverAuthority },
    })
    await slow.activate()
    await slow.connect()
    const taken: string[] = []
    // it hears the notification and does not acknowledge it
    let letGo = () => {}
    slow.onNotification(({ id }) => {
      taken.push(id)
      return new Promise((resolve) => {
        letGo = resolve
      })
    })
    const to = await slow.register(TOPIC)
    const sent = await there(
      ...['send', '--token', to, '--topic', TOPIC, '--alert', 'under way'],
      ...['--p12', out('busy-app.p12'), '--passphrase-file', out('busy-app.passphrase')],
    )
    expect(sent.code).toBe(0)
    await until(() => taken[0])
    expect(waiting(busy)).toBe(0)
    expect(await there('backup', '--to', out('busy.backup'))).toMatchObject({ code: 0 })
    letGo()
    await slow.close()
    await busy.close()

    const back = out('busy-again')
    expect(await run(['restore', '--from', out('busy.backup'), '--state', back])).toMatchObject({
      code: 0,
    })
    const again = await serve(back)
    const kept = again.store.pending.expired(Number.MAX_SAFE_INTEGER, 10)
    expect(kept.map(({ id }) => id)).toEqual(taken)
    await again.close()
  })

  it('that a killed process left half made is gone with the next start', async () => {
    const folder = out('half')
    mkdirSync(join(folder, 'unfinished-backup-abc123'), { recursive: true, mode: 0o700 })
    const half = await serve(folder)
    expect(() => statSync(join(folder, 'unfinished-backup-abc123'))).toThrow()
    await half.close()
  })

  it('is restored whole or not at all', async () => {
    const whole = readFileSync(out('one.backup'))
    const lies: [RegExp, string][] = [
      [/"bytes":\d+/, '"bytes":-1'],
      [/"bytes":\d+/, '"bytes":1e15'],
      [/"store.mdb"/, '["store.mdb"]'],
      [/"journal.\d+.journal"/, '"store.mdb"'],
      [/"files":\[.*?\]/, '"files":[]'],
    ]
    const attempts: [string, Buffer][] = [
      ['cut off', whole.subarray(0, whole.length - 1)],
      [
        'is damaged',
        Buffer.from(whole.map((byte, at) => (at === whole.length - 99 ? byte ^ 1 : byte))),
      ],
      ['is not a backup', Buffer.from('something else\n')],
      [
        'damaged',
        Buffer.from(whole.toString('latin1').replace('"store.mdb"', '"../../xx"'), 'latin1'),
      ],
      ...lies.map(([said, lie]): [string, Buffer] => [
        'damaged',
        Buffer.from(whole.toString('latin1').replace(said, lie), 'latin1'),
      ]),
    ]
    for (const [why, bytes] of attempts) {
      writeFileSync(out('bad.backup'), bytes)
      const folder = out('not-restored')
      const { code, err } = await run(['restore', '--from', out('bad.backup'), '--state', folder])
      expect(code).toBe(4)
      expect(err).toContain(why)
      expect(() => statSync(folder)).toThrow()
    }
    writeFileSync(out('longer.backup'), whole)
    appendFileSync(out('longer.backup'), 'x')
    const longer = ['restore', '--from', out('longer.backup'), '--state', out('not-restored')]
    expect((await run(longer)).code).toBe(4)
  })

  it('is not restored over anything', async () => {
    const { code, err } = await run(['restore', '--from', out('one.backup'), '--state', state])
    expect(code).toBe(4)
    expect(err).toContain('is not empty')
  })
})

describe('an export', () => {
  const passphrase = out('move.passphrase')
  const from = out('fleet.export')

  it('takes devices, tokens and what waits to another machine', async () => {
    writeFileSync(passphrase, 'correct horse battery\n')
    const { keyId } = await json<{ keyId: string }>(
      ...['provider', 'key', 'create', TOPIC, '--team', 'ABCDE12345', '--out', out('moved.p8')],
    )
    const reserved = [device.deviceId as DeviceId, 'com.example.reserved' as Topic] as const
    await machine.store.registrations.reserve(...reserved, 1_000)
    const channel = 'Channel00000000000000001' as ChannelId
    const closed = 'Channel00000000000000002' as ChannelId
    const { channels, retained } = machine.store
    const rows = [channel, closed].map((id) => ({
      id,
      topic: TOPIC as Topic,
      storagePolicy: 1 as const,
    }))
    for (const row of rows) await channels.create({ ...row, createdAt: 5 })
    await channels.close(TOPIC as Topic, closed)
    await retained.put(channel, stored(channel, '01ARZ3NDEKTSV4RRFFQ69G5FAV'))
    const exported = await heliograph('export', '--to', from, '--passphrase-file', passphrase)
    expect(exported).toMatchObject({ code: 0, err: '' })
    expect(statSync(from).mode & 0o777).toBe(0o600)

    const folder = out('other')
    const other = await serve(folder)
    const there = (...argv: string[]) => run(['--target', 'machine', '--state', folder, ...argv])
    const importing = ['import', '--from', from, '--passphrase-file', passphrase, '--json']
    expect(await there(...importing)).toMatchObject({ code: 4 })
    const first = JSON.parse((await there(...importing, '--yes')).out)
    expect(first).toMatchObject({ tokenKeys: 2, pending: 1, providerKeys: 2 })
    expect(first.registrations).toBeGreaterThan(0)
    const { all } = other.store.channels
    const moved = { ...rows[0], createdAt: 5 }
    expect(await all()).toEqual(expect.arrayContaining([moved]))
    expect((await all()).filter(({ id }) => id === closed)).toEqual([])
    const keptThere = () => other.store.retained.find(channel, Date.now())
    expect(keptThere()).toEqual(retained.find(channel, Date.now()))
    // what was taken in is not taken in twice, and an older broadcast replaces no newer one
    const newer = stored(channel, '01BRZ3NDEKTSV4RRFFQ69G5FAV')
    await other.store.retained.put(channel, newer)
    await other.store.channels.close(TOPIC as Topic, channel)
    const again = JSON.parse((await there(...importing, '--yes')).out)
    expect(again).toMatchObject({ tokenKeys: 0, providerKeys: 0, channels: 0, broadcasts: 0 })
    expect(keptThere()).toEqual(newer)
    expect(await other.store.channels.find(TOPIC as Topic, channel)).toBeUndefined()

    const shown = JSON.parse((await there('device', 'show', device.deviceId ?? '', '--json')).out)
    expect(shown.pending).toHaveLength(1)
    const [deviceId, topic] = reserved
    const neverLived = { deviceId, topic, live: false, registeredAt: 1_000 }
    expect(await other.store.registrations.find(...reserved)).toEqual(neverLived)
    expect(other.store.devices.mayConnect(device.deviceId as DeviceId, certificateId(shown))).toBe(
      true,
    )
    const inspected = JSON.parse((await there('token', 'inspect', token, '--json')).out)
    expect(inspected).toMatchObject({ opens: true, answer: '200', registration: 'live' })
    // the token goes on working for a provider with a key that moved along
    const sent = await there(
      ...['send', '--token', token, '--topic', TOPIC, '--alert', 'moved'],
      ...['--key', out('moved.p8'), '--key-id', keyId, '--team-id', 'ABCDE12345'],
    )
    expect(sent.out + sent.err).toContain('200')
    await other.close()
  })

  it('opens with its passphrase only, and not where a byte was changed', async () => {
    writeFileSync(out('wrong'), 'something else entirely')
    const wrong = await heliograph(
      'import',
      '--from',
      from,
      '--passphrase-file',
      out('wrong'),
      '--yes',
    )
    expect(wrong).toMatchObject({ code: 4, err: expect.stringContaining('cannot be opened') })
    const bytes = readFileSync(from)
    expect(bytes.includes(token)).toBe(false)
    expect(bytes.includes(device.deviceId ?? '-')).toBe(false)
    for (const at of [bytes.indexOf('"salt":"') + 9, bytes.length - 40, bytes.length - 1]) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      writeFileSync(out('changed.export'), changed)
      const args = ['--from', out('changed.export'), '--passphrase-file', passphrase, '--yes']
      expect((await heliograph('import', ...args)).code).not.toBe(0)
    }
  })

  it('is not made with a passphrase that is guessed', async () => {
    writeFileSync(out('short'), 'hunter2')
    const { code } = await heliograph('export', '--to', out('x'), '--passphrase-file', out('short'))
    expect(code).toBe(2)
  })
})

const certificateId = (shown: { device: { certificates: { certificateId: string }[] } }) =>
  shown.device.certificates[0]?.certificateId ?? ''

describe('a device of a machine', () => {
  it('is listed, shown and revoked, and cannot come back', async () => {
    const id = device.deviceId ?? ''
    const { devices } = await json<{ devices: { deviceId: string }[] }>('device', 'list')
    expect(devices.map(({ deviceId }) => deviceId)).toContain(id)
    expect(await json('device', 'revoke', id)).toMatchObject({ certificates: 1, topics: [TOPIC] })
    expect((await send()).out).toContain('410 Unregistered')
    const again = await openDevice({ directory: out('device') })
    const refused = new Promise((resolve) => again.on('disconnected', resolve))
    const connected = again.connect().then(() => 'connected')
    connected.catch(() => {})
    expect(await Promise.race([refused, connected])).not.toBe('connected')
    await again.close()
  })
})
