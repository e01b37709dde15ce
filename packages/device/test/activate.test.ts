import 'reflect-metadata'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDevice } from '../src/index.ts'
import { deviceId, reply } from './helpers/activation-endpoint.ts'
import { manualClock } from './helpers/manual-clock.ts'
import { until } from './helpers/wait.ts'
import { makeWorld, type World } from './helpers/world.ts'

let world: World
beforeEach(async () => {
  world = await makeWorld()
})
afterEach(() => world.end())

const mode = async (path: string) => (await stat(path)).mode & 0o777
const identityFile = () => join(world.directory, 'identity.json')
const keyOf = (csr: string) => Buffer.from(new Pkcs10CertificateRequest(csr).publicKey.rawData)

describe('activate', () => {
  it('sends a P-256 request and the code, and keeps the identity for the owner alone', async () => {
    const device = await world.open({ directory: join(world.directory, 'state') })
    expect(await device.activate()).toBe(deviceId)
    expect(device.deviceId).toBe(deviceId)
    const asked = world.activation.asked[0]
    expect(asked?.activationCode).toBe('code-1')
    const request = new Pkcs10CertificateRequest(asked?.csr ?? '')
    expect(request.subject).toBe('CN=device')
    expect(request.publicKey.algorithm).toMatchObject({ name: 'ECDSA', namedCurve: 'P-256' })
    expect(await mode(join(world.directory, 'state'))).toBe(0o700)
    expect(await mode(join(world.directory, 'state', 'identity.json'))).toBe(0o600)
  })

  it('is done once: again, or after a restart, nothing is sent', async () => {
    const device = await world.open()
    await Promise.all([device.activate(), device.activate()])
    await device.activate()
    const again = await world.open()
    expect(await again.activate()).toBe(deviceId)
    expect(world.activation.asked).toHaveLength(1)
  })

  it('has the key on disk before it calls, mode 0600', async () => {
    let atCall = 0
    let kept = ''
    const { answer } = world.activation
    world.activation.answer = async (asked, response) => {
      atCall = await mode(identityFile())
      kept = await readFile(identityFile(), 'utf8')
      return answer(asked, response)
    }
    await (await world.open()).activate()
    expect(atCall).toBe(0o600)
    expect(
      createPublicKey(JSON.parse(kept).freshKey).export({ type: 'spki', format: 'der' }),
    ).toEqual(keyOf(world.activation.asked[0]?.csr ?? ''))
  })

  it('asks again with the same key when the answer was lost', async () => {
    const { answer } = world.activation
    world.activation.answer = (_asked, response) => {
      world.activation.answer = answer
      response.destroy()
    }
    expect(await (await world.open()).activate()).toBe(deviceId)
    const [first, second] = world.activation.asked.map(({ csr }) => keyOf(csr))
    expect(first).toEqual(second)
  })

  it('uses the same key after a restart when every answer was lost', async () => {
    const { answer } = world.activation
    world.activation.answer = (_asked, response) => void response.destroy()
    const device = await world.open()
    await expect(device.activate()).rejects.toMatchObject({ reason: 'ActivationUnreachable' })
    expect(world.activation.asked).toHaveLength(4)
    world.activation.answer = answer
    await (await world.open()).activate()
    const keys = new Set(world.activation.asked.map(({ csr }) => keyOf(csr).toString('hex')))
    expect(keys.size).toBe(1)
  })

  it('tries again while the service is busy', async () => {
    const { answer } = world.activation
    const statuses = [503, 429]
    world.activation.answer = (asked, response) => {
      const status = statuses.shift()
      return status ? reply(response, status, { reason: 'Busy' }) : answer(asked, response)
    }
    expect(await (await world.open()).activate()).toBe(deviceId)
    expect(world.activation.asked).toHaveLength(3)
  })

  it('waits in the line of the service for as long as it is told to', async () => {
    const { answer } = world.activation
    let places = 6
    world.activation.answer = (asked, response) => {
      if (places-- === 0) return answer(asked, response)
      response.setHeader('retry-after', '1')
      return reply(response, 429, { reason: 'TooManyActivations' })
    }
    const waits: number[] = []
    const clock = {
      now: Date.now,
      after: (ms: number, action: () => void) => {
        waits.push(ms)
        const timer = setTimeout(action, 0)
        return () => clearTimeout(timer)
      },
    }
    expect(await (await world.open({ clock })).activate()).toBe(deviceId)
    expect(world.activation.asked).toHaveLength(7)
    expect(waits.filter((ms) => ms >= 1_000)).toHaveLength(6)
  })

  it('ends with the device, whether it waits for an answer or for the next try', async () => {
    const { asked } = world.activation
    world.activation.answer = () => {}
    const silent = await world.open()
    const unanswered = expect(silent.connect()).rejects.toMatchObject({ reason: 'Closed' })
    await until(() => asked.length === 1, 'the request')
    await silent.close()
    await unanswered

    world.activation.answer = (_asked, response) => reply(response, 503, {})
    const clock = manualClock()
    const device = await world.open({ clock })
    const waiting = expect(device.activate()).rejects.toMatchObject({ reason: 'Closed' })
    await until(() => clock.waiting().length === 1, 'the wait for the next try')
    await device.close()
    await waiting
    clock.advance(3600_000)
    expect([asked.length, clock.waiting()]).toEqual([2, []])
  })

  it.each([
    [
      { reason: 'UsedActivationCode', detail: 'this activation code has been used' },
      'UsedActivationCode',
      'activation was refused: this activation code has been used (UsedActivationCode, HTTP 403)',
    ],
    [
      { message: 'Forbidden' },
      'ActivationRefused',
      'activation was refused: no reason given (HTTP 403)',
    ],
  ])('shows the reason of a refusal, and does not repeat it: %j', async (body, reason, message) => {
    world.activation.answer = (_asked, response) => reply(response, 403, body)
    const error = (await world.open()).activate()
    await expect(error).rejects.toMatchObject({
      ...{ name: 'HeliographDeviceError', reason, message, status: 403 },
    })
    expect(world.activation.asked).toHaveLength(1)
  })

  it.each<[string, (answer: Record<string, unknown>) => unknown]>([
    ['no JSON', () => 'hello'],
    ['no topics', (answer) => ({ ...answer, publish: {} })],
    [
      'a certificate for another key',
      (answer) => ({ ...answer, certificate: world.ca.certificate }),
    ],
    [
      'a broker CA that is not a certificate',
      (answer) => ({ ...answer, mqtt: { host: 'a', port: 1, ca: 'x' } }),
    ],
    ['an endless answer', (answer) => `${JSON.stringify(answer)}${' '.repeat(100_000)}`],
  ])('takes no identity from a 201 with %s', async (_what, edit) => {
    const { answer } = world.activation
    world.activation.answer = async (asked, response) => {
      const end = response.end.bind(response)
      response.end = ((body: string) => {
        const edited = edit(JSON.parse(body))
        return end(typeof edited === 'string' ? edited : JSON.stringify(edited))
      }) as typeof response.end
      await answer(asked, response)
    }
    const device = await world.open()
    await expect(device.activate()).rejects.toMatchObject({
      reason: expect.stringMatching(/^Activation/),
    })
    expect(device.deviceId).toBeUndefined()
  })

  it.each([['http://localhost/activate'], ['localhost'], ['']])(
    'refuses the url "%s"',
    async (url) => {
      const device = await world.open({ activation: { url, code: 'c' } })
      await expect(device.activate()).rejects.toMatchObject({ reason: 'ActivationUnreachable' })
    },
  )

  it('does not talk to an endpoint that the CA does not vouch for', async () => {
    const { url } = world.activation
    const device = await world.open({ activation: { url, code: 'secret-code' } })
    const error = await device.activate().catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ reason: 'ActivationUnreachable' })
    expect(String(error)).not.toContain('secret-code')
    expect(world.activation.asked).toHaveLength(0)
  })

  it('makes a new device when the certificate has expired', async () => {
    const { answer } = world.activation
    const past = { notBefore: new Date(1e12), notAfter: new Date(1.1e12) }
    await (await world.open()).activate()
    const kept = JSON.parse(await readFile(identityFile(), 'utf8'))
    kept.activated.certificate = await world.ca.sign(
      world.activation.asked[0]?.csr ?? '',
      deviceId,
      past,
    )
    await writeFile(identityFile(), JSON.stringify(kept))
    world.activation.answer = answer
    await (await world.open()).activate()
    expect(world.activation.asked).toHaveLength(2)
    const renewed = JSON.parse(await readFile(identityFile(), 'utf8')).activated.certificate
    expect(Date.parse(new X509Certificate(renewed).validTo)).toBeGreaterThan(Date.now())
  })

  it('without an activation code says what is missing', async () => {
    const device = await openDevice({ directory: world.directory })
    await expect(device.connect()).rejects.toMatchObject({
      reason: 'NotActivated',
      message: expect.stringContaining('open it with an activation url and code'),
    })
    await device.close()
  })
})
