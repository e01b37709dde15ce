import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasTool, TestTerminal, tool } from '../../packages/operator/test/support.ts'
import { heliograph, heliographJson, openStage, welcomeOperator } from './operator-support.ts'
import { openTestDevice, readyDevice, request, startTarget, until } from './support.ts'
import type { Target } from './target.ts'

let target: Target
let folder: string

beforeAll(async () => {
  target = await startTarget()
  welcomeOperator(target)
  folder = join(target.state, 'operator')
  mkdirSync(folder)
})

afterAll(() => target?.close())

describe('provider issue', () => {
  const files = ['p12', 'pem', 'key', 'passphrase']

  it('writes files that only the owner can read', async () => {
    const out = join(folder, 'timed', 'app')
    const { code } = await heliograph(target, [
      'provider',
      'issue',
      'com.example.app',
      '--out',
      out,
    ])
    expect(code).toBe(0)
    for (const file of files) expect(statSync(`${out}.${file}`).mode & 0o777, file).toBe(0o600)
    expect(readFileSync(`${out}.passphrase`, 'utf8')).toMatch(/^[0-9a-hjkmnp-tv-z]{26}\n$/)
  })

  it('replaces nothing, and makes nothing that it could not keep', async () => {
    const out = join(folder, 'twice')
    const issue = ['provider', 'issue', 'com.example.app', '--out', out]
    expect((await heliograph(target, issue)).code).toBe(0)
    const key = readFileSync(`${out}.key`, 'utf8')
    const before = await heliographJson<object[]>(target, 'provider', 'list')
    const again = await heliograph(target, issue)
    expect(again).toMatchObject({ code: 4, err: expect.stringContaining('--force') })
    expect(readFileSync(`${out}.key`, 'utf8')).toBe(key)
    expect(await heliographJson<object[]>(target, 'provider', 'list')).toHaveLength(before.length)
    expect((await heliograph(target, [...issue, '--force'])).code).toBe(0)
    expect(readFileSync(`${out}.key`, 'utf8')).not.toBe(key)
  })

  it('takes the passphrase of a person, who types it twice, and writes it nowhere', async () => {
    const out = join(folder, 'asked')
    const issue = ['provider', 'issue', 'com.example.app', '--out', out]
    const unsure = new TestTerminal({ answers: ['first try', 'second try'] })
    expect((await heliograph(target, issue, unsure)).code).toBe(2)
    const sure = new TestTerminal({ answers: ['correct horse', 'correct horse'] })
    const { code, out: printed } = await heliograph(target, issue, sure)
    expect(code).toBe(0)
    expect(printed).toContain('passphrase   as given')
    expect(() => statSync(`${out}.passphrase`)).toThrow()
    const send = ['send', '--token', '0'.repeat(64), '--p12', `${out}.p12`]
    const person = new TestTerminal({ answers: ['correct horse'] })
    expect((await heliograph(target, send, person)).out).toContain('BadDeviceToken')
  })

  it.each(['short', 'ünicode passphrase'])('refuses the passphrase %j', async (passphrase) => {
    const file = join(folder, 'passphrase')
    writeFileSync(file, passphrase)
    const out = join(folder, 'refused')
    const issue = ['provider', 'issue', 'com.example.app', '--out', out, '--passphrase-file', file]
    expect(await heliograph(target, issue)).toMatchObject({
      code: 2,
      err: expect.stringContaining('printable ASCII'),
    })
  })

  it.runIf(hasTool('curl', ['--version']))('makes a .p12 that curl sends with', async () => {
    const { device, token, received } = await readyDevice(target)
    const out = join(folder, 'timed', 'app')
    const passphrase = readFileSync(`${out}.passphrase`, 'utf8').trim()
    const { url, ca } = target.local.provider
    const args = [
      '--http2',
      '--silent',
      '--show-error',
      '--cacert',
      ca,
      '--write-out',
      '%{http_code}',
    ]
    const identity = ['--cert-type', 'P12', '--cert', `${out}.p12:${passphrase}`]
    const data = ['--data', '{"aps":{"alert":"curl"}}', `${url}/3/device/${token}`]
    // not spawnSync: the edge answers from this process
    const { execFile } = await import('node:child_process')
    const output = await new Promise((resolve) => {
      execFile('curl', [...args, ...identity, ...data], (_fault, stdout, stderr) =>
        resolve(stdout + stderr),
      )
    })
    expect(output).toBe('200')
    await until(() => received[0])
    await device.close()
  })
})

describe('provider revoke', () => {
  it('finds a certificate by file, whole fingerprint with colons, or its first digits', async () => {
    for (const way of ['file', 'colons', 'digits']) {
      const out = join(folder, `by-${way}`)
      const issued = await heliographJson<{ fingerprint: string }>(
        target,
        ...['provider', 'issue', 'com.example.app', '--out', out],
      )
      const which = {
        file: `${out}.pem`,
        colons: (issued.fingerprint.toUpperCase().match(/../g) ?? []).join(':'),
        digits: issued.fingerprint.slice(0, 12),
      }[way]
      const revoked = await heliographJson<object>(target, 'provider', 'revoke', which ?? '')
      expect(revoked).toMatchObject({
        fingerprint: issued.fingerprint,
        revocationReason: 'unspecified',
      })
    }
  })

  it.each([
    ['0'.repeat(64), 3, 'is on record'],
    ['00000000', 3, 'starts with 00000000'],
    ['0000', 2, 'neither a certificate file nor a fingerprint'],
    ['certs/none.pem', 2, 'neither a certificate file nor a fingerprint'],
  ])('%s: exit code %d', async (which, code, sentence) => {
    const ran = await heliograph(target, ['provider', 'revoke', which])
    expect(ran).toMatchObject({ code, err: expect.stringContaining(sentence) })
  })

  it('does not take a .p12 for a certificate', async () => {
    const ran = await heliograph(target, ['provider', 'revoke', join(folder, 'timed', 'app.p12')])
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('give the .pem file') })
  })

  it.runIf(hasTool('openssl', ['version']))(
    'shows in the CRL, which OpenSSL verifies',
    async () => {
      const crl = join(folder, 'heliograph.crl')
      const { revoked } = await heliographJson<{ revoked: number }>(
        target,
        'provider',
        'crl',
        '--out',
        crl,
      )
      expect(revoked).toBeGreaterThanOrEqual(3)
      const ca = join(folder, 'ca.pem')
      writeFileSync(ca, await authorityOf(target))
      const listed = tool('openssl', ['crl', '-in', crl, '-CAfile', ca, '-noout', '-text'])
      expect(listed?.output).toContain('verify OK')
      expect(listed?.output.match(/Serial Number:/g)).toHaveLength(revoked)
      const check = (pem: string) =>
        tool('openssl', ['verify', '-crl_check', '-CAfile', ca, '-CRLfile', crl, join(folder, pem)])
      expect(check('by-file.pem')?.output).toContain('certificate revoked')
      expect(check('timed/app.pem')?.ok).toBe(true)
    },
  )
})

async function authorityOf(of: Target): Promise<string> {
  const { authorities } = await import('@heliograph/aws/authorities')
  const deployment = await openStage(of)
  const found = await authorities(
    deployment.clients.dynamoDb,
    deployment.outputs.AuthoritiesTable,
  ).find('provider')
  deployment.close()
  return found?.certificate ?? ''
}

describe('device', () => {
  it('show tells what is pending, and never what it says', async () => {
    const { device, token } = await readyDevice(target)
    const deviceId = device.deviceId ?? ''
    await device.close()
    const body = '{"aps":{"alert":"a secret"}}'
    expect((await request(target, { token, body })).status).toBe(200)
    const shown = await until(async () => {
      const { out } = await heliograph(target, ['device', 'show', deviceId])
      return out.includes('PENDING\ntopic') ? out : undefined
    })
    expect(shown).toMatch(/com\.example\.app +[0-9A-F-]{36} +\d+ s +\d+ d +28/)
    expect(shown).toContain('not connected, for')
    const { out } = await heliograph(target, ['device', 'show', deviceId, '--json'])
    expect(out).not.toContain('secret')
    expect(out).not.toContain('BEGIN CERTIFICATE')
    expect(out).not.toContain(token)
  })

  it.each([
    [['device', 'show', '0000000000000000'], 3, 'is on record'],
    [['device', 'revoke', '0000000000000000'], 3, 'is on record'],
    [['device', 'show', 'phone'], 2, 'is not a device id'],
  ])('%j: exit code %d', async (argv, code, sentence) => {
    expect(await heliograph(target, argv)).toMatchObject({
      code,
      err: expect.stringContaining(sentence),
    })
  })

  it('invite makes codes that work once and are kept nowhere', async () => {
    const [invitation] = await heliographJson<{ code: string; expiresAt: number }[]>(
      target,
      ...['device', 'invite', '--ttl', '15m'],
    )
    const { code = '', expiresAt = 0 } = invitation ?? {}
    expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{7}(-[0-9A-HJKMNP-TV-Z]{5,7}){3}$/)
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(15 * 60_000)
    const typed = code.replaceAll('-', ' ').toLowerCase().replaceAll('0', 'o')
    const own = { ...target.local.activation, code: typed }
    const other = { ...target, local: { ...target.local, activation: own } }
    const { device } = await openTestDevice(other)
    await expect(device.activate()).resolves.toMatch(/^[0-9a-z]{16}$/)
    await device.close()
    const second = await openTestDevice(other)
    await expect(second.device.activate()).rejects.toThrow('UsedActivationCode')
    await second.device.close()
  })
})

describe.concurrent('token inspect', () => {
  it.each([
    ['0'.repeat(64), 'no token key of this deployment opens it'],
    ['abc', 'has 64 hex digits'],
  ])('%s: exit code 3', async (token, why) => {
    const { code, out } = await heliograph(target, ['token', 'inspect', token])
    expect(code).toBe(3)
    expect(out).toContain(why)
  })
})

describe.concurrent('token expire', () => {
  const expire = (...argv: string[]) => heliograph(target, ['token', 'expire', ...argv])

  it('ends a token for its providers, until the device registers again', async () => {
    const { device, token } = await readyDevice(target)
    const { deviceId } = device
    const expired = await heliographJson<{ expiredAt: number }>(target, 'token', 'expire', token)
    expect(expired).toEqual({ deviceId, topic: 'com.example.app', expiredAt: expect.any(Number) })
    const answer = await until(async () => {
      const sent = await request(target, { token })
      return sent.status === 410 ? sent : undefined
    })
    expect(answer).toMatchObject({ reason: 'ExpiredToken' })
    expect(JSON.parse(answer.body)).toMatchObject({ timestamp: expired.expiredAt })
    const { out } = await heliograph(target, ['token', 'inspect', token])
    expect(out).toContain('410 ExpiredToken')
    const { feedback } = await heliographJson<{ feedback: object[] }>(target, 'feedback')
    expect(feedback).toContainEqual(
      expect.objectContaining({ token, timestamp: expired.expiredAt, reason: 'Unregistered' }),
    )
    expect(await device.register('com.example.app')).toBe(token)
    expect((await request(target, { token })).status).toBe(200)
    await device.close()
  })

  it('says what it ended, and refuses to end it twice', async () => {
    const { device, token } = await readyDevice(target)
    expect(await expire(token)).toMatchObject({
      code: 0,
      out: expect.stringContaining(`ended the token of ${device.deviceId} for com.example.app`),
    })
    const again = await expire(token)
    expect(again).toMatchObject({ code: 4, err: expect.stringContaining('nobody is registered') })
    await device.close()
  })

  it.each([
    ['0'.repeat(64), 'no token key of this deployment opens it'],
    ['abc', 'has 64 hex digits'],
  ])('%s: exit code 3', async (token, why) => {
    expect(await expire(token)).toMatchObject({ code: 3, err: expect.stringContaining(why) })
  })
})

describe.concurrent('key retire', () => {
  it('refuses the primary key, an unknown key, and to begin without --yes', async () => {
    const keys = await heliographJson<{ id: string; state: string }[]>(target, 'key', 'list')
    const primary = keys.find(({ state }) => state === 'primary')?.id ?? ''
    const retire = (...more: string[]) => heliograph(target, ['key', 'retire', ...more])
    expect(await retire(primary)).toMatchObject({ code: 4, err: expect.stringContaining('--yes') })
    expect(await retire(primary, '--yes')).toMatchObject({
      code: 4,
      err: expect.stringContaining('key rotate first'),
    })
    expect(await retire('01KABCDEFGHJKMNPQRSTVWXYZ0', '--yes')).toMatchObject({ code: 3 })
    expect(await heliographJson<object[]>(target, 'key', 'list')).toEqual(keys)
  })
})

describe.concurrent('send and feedback', () => {
  it('tell what the edge says, with exit code 4 where it refuses', async () => {
    const send = (...more: string[]) =>
      heliograph(target, ['send', '--token', '0'.repeat(64), ...more])
    expect(await send()).toMatchObject({
      code: 4,
      out: expect.stringContaining('400 BadDeviceToken'),
    })
    expect(await send('--topic', 'com.example.bank')).toMatchObject({
      code: 4,
      out: expect.stringContaining('400 BadTopic'),
    })
    expect(await send('--priority', '7')).toMatchObject({
      code: 4,
      out: expect.stringContaining('400 BadPriority'),
    })
  })

  it('send takes the payload from a file or standard input, byte for byte', async () => {
    const { device, received, token } = await readyDevice(target)
    const text = '{ "aps":{}, "n": 12345678901234567890 }'
    const file = join(folder, 'payload.json')
    writeFileSync(file, text)
    await heliographJson<object>(target, 'send', '--token', token, '--payload', file)
    const terminal = new TestTerminal()
    terminal.typed = text
    expect(
      (await heliograph(target, ['send', '--token', token, '--payload', '-'], terminal)).code,
    ).toBe(0)
    await until(() => received.length === 2 || undefined)
    expect(received.map(({ payloadText }) => payloadText)).toEqual([text, text])
    await device.close()
  })

  it('feedback --follow prints what is new until it is interrupted', async () => {
    const { device, token } = await readyDevice(target)
    const terminal = new TestTerminal()
    const following = heliograph(target, ['feedback', '--follow', '--json'], terminal)
    await device.unregister('com.example.app')
    await until(() => terminal.printed.some((line) => line.includes(token)) || undefined)
    terminal.interrupt()
    expect((await following).code).toBe(0)
    const lines = terminal.printed.map((line) => JSON.parse(line) as { token: string })
    expect(lines.filter((line) => line.token === token)).toHaveLength(1)
    await device.close()
  })

  it('say in one sentence that the edge does not take the certificate', async () => {
    const { cert, key } = target.local.provider
    const swapped = ['--cert', join(folder, 'timed', 'app.pem'), '--key', key]
    const send = await heliograph(target, ['send', '--token', 'a', ...swapped])
    expect(send.code).toBe(2)
    expect(send.err).toContain('the client certificate cannot be used')
    const away = [
      'send',
      '--token',
      'a',
      '--cert',
      cert,
      '--key',
      key,
      '--url',
      'https://localhost:9',
    ]
    expect((await heliograph(target, away)).code).toBe(5)
  })
})

describe.concurrent('dlq', () => {
  const put = async (name: 'NotificationDeadLetters' | 'RuleErrors', body: string) => {
    const { clients, outputs, close } = await openStage(target)
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: outputs[name], MessageBody: body }))
    close()
  }

  it('redrives a notification, which then arrives, and leaves what is not one', async () => {
    const { device, received, token } = await readyDevice(target)
    await device.close()
    expect((await request(target, { token, body: '{"aps":{"alert":"given up"}}' })).status).toBe(
      200,
    )
    // the pending one stands for what deliver had given up
    const text = await until(async () => (await pendingText(String(device.deviceId))) || undefined)
    await put('NotificationDeadLetters', text)
    await put('NotificationDeadLetters', 'no notification')

    const listed = await heliograph(target, ['dlq', 'list', 'notifications'])
    expect(listed.out).toContain(`for com.example.app to ${device.deviceId}`)
    expect(listed.out).toContain('not a message of this service')
    expect(listed.out).not.toContain('given up')
    const { warnings } = await doctor()
    expect(warnings.join()).toContain('2 messages in notifications')

    const redriven = await heliographJson<object>(target, 'dlq', 'redrive', 'notifications')
    expect(redriven).toEqual({ redriven: 1, left: 1 })
    const dropped = await heliographJson<object>(target, 'dlq', 'drop', 'notifications', '--yes')
    expect(dropped).toEqual({ dropped: 1 })
    expect(received).toEqual([])
  })

  it('drops one message by its id, and nothing without --yes', async () => {
    await put('RuleErrors', '{"ruleName":"heliograph_local_register"}')
    await put('RuleErrors', '{"ruleName":"heliograph_local_connect"}')
    const letters = await heliographJson<{ messageId: string; about: string }[]>(
      target,
      ...['dlq', 'list', 'rules'],
    )
    expect(letters.map(({ about }) => about).sort()).toEqual([
      'rule heliograph_local_connect failed',
      'rule heliograph_local_register failed',
    ])
    const drop = (...more: string[]) => heliograph(target, ['dlq', 'drop', 'rules', ...more])
    expect(await drop()).toMatchObject({ code: 4, err: expect.stringContaining('--yes') })
    expect(await drop('--yes', '--message', letters[0]?.messageId ?? '')).toMatchObject({ code: 0 })
    expect(await drop('--yes', '--message', 'none')).toMatchObject({ code: 3 })
    expect(await heliographJson<object[]>(target, 'dlq', 'list', 'rules')).toHaveLength(1)
    expect(await heliograph(target, ['dlq', 'redrive', 'rules'])).toMatchObject({ code: 4 })
    expect((await drop('--yes')).out).toBe('1 message dropped')
  })

  async function pendingText(deviceId: string): Promise<string | undefined> {
    const { pendingTexts } = await import('./support.ts')
    return (await pendingTexts(target)).find((text) => text.includes(deviceId))
  }
})

async function doctor() {
  const { code, out } = await heliograph(target, ['doctor', '--json'])
  const findings = JSON.parse(out) as { check: string; state: string; detail: string }[]
  const details = (state: string) =>
    findings.filter((one) => one.state === state).map(({ check, detail }) => `${check}: ${detail}`)
  return { code, problems: details('problem'), warnings: details('warning') }
}

describe('doctor', () => {
  it('says what is wrong with the truststore, with exit code 1', async () => {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3')
    const deployment = await openStage(target)
    const { clients, outputs } = deployment
    expect((await doctor()).problems).toEqual([])
    const object = { Bucket: outputs.TrustBucket, Key: outputs.TruststoreKey }
    const body = `${await authorityOf(target)}${readFileSync(target.local.provider.ca, 'utf8')}`
    await clients.s3.send(new PutObjectCommand({ ...object, Body: body }))
    // API Gateway reads the version that it was told, and so does the doctor
    expect((await doctor()).problems).toEqual([])
    deployment.close()
  })

  it('says that there is no primary token key', async () => {
    const { UpdateItemCommand } = await import('@aws-sdk/client-dynamodb')
    const deployment = await openStage(target)
    const keys = await heliographJson<{ id: string }[]>(target, 'key', 'list')
    for (const { id } of keys)
      await deployment.clients.dynamoDb.send(
        new UpdateItemCommand({
          TableName: deployment.outputs.TokenKeysTable,
          Key: { keyId: { S: id } },
          UpdateExpression: 'SET retiredAt = :at',
          ExpressionAttributeValues: { ':at': { N: '1' } },
        }),
      )
    const found = await doctor()
    expect(found).toMatchObject({
      code: 1,
      problems: [expect.stringContaining('heliograph key rotate')],
    })
    await heliographJson<object>(target, 'key', 'rotate')
    expect(await doctor()).toMatchObject({ code: 0, problems: [] })
    deployment.close()
  })
})
