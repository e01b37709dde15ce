import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { certificateAge } from '../src/certificate.ts'
import type { Clock } from '../src/index.ts'
import { systemClock } from '../src/index.ts'
import { deviceId } from './helpers/activation-endpoint.ts'
import { until } from './helpers/wait.ts'
import { answerRequests, makeWorld, type World } from './helpers/world.ts'

const DAY = 24 * 3600 * 1000

let world: World
beforeEach(async () => {
  world = await makeWorld()
  answerRequests(world)
})
afterEach(() => world.end())

const identity = async () =>
  JSON.parse(await readFile(join(world.directory, 'identity.json'), 'utf8'))
const serials = () => world.broker.wires.map(({ serial }) => serial)
const renewals = () => world.broker.published.filter(({ topic }) => topic.includes('_renew/'))

/** 8 months later: less than a third of the year is left. */
const later: Clock = { ...systemClock, now: () => Date.now() + 250 * DAY }

/** Answers requests for renewal as the service does. */
function answerRenewals(certificateFor: (csr: string) => Promise<string> | string): void {
  world.broker.onPublish = async ({ topic, body }, id) => {
    if (!topic.includes('_renew/') || body.csr === undefined) return
    const certificate = await certificateFor(String(body.csr))
    if (world.broker.isConnected(id))
      world.broker.push(id, 'heliograph/certificate', { certificate })
  }
}

describe('the age of a certificate', () => {
  it('makes renewal due when less than a third of the validity is left', async () => {
    await (await world.open()).activate()
    const { certificate } = (await identity()).activated
    const { validFrom, validTo } = new X509Certificate(certificate)
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
    const third = (to - from) / 3
    expect(certificateAge(certificate, to - third - 1)).toBe('fresh')
    expect(certificateAge(certificate, to - third + 1)).toBe('renewalDue')
    expect(certificateAge(certificate, to)).toBe('expired')
  })
})

describe('a device whose certificate nears its end', () => {
  it('gets a new key and certificate and connects with them', async () => {
    answerRenewals((csr) => world.ca.sign(csr, deviceId))
    const device = await world.open({ clock: later })
    await device.activate()
    const before = (await identity()).activated
    await device.connect()
    await until(() => world.broker.wires.length === 2 && device.isConnected, 'the new connection')
    await until(async () => !(await identity()).next, 'the new pair in the place of the old')
    const after = await identity()
    expect(after.activated.privateKey).not.toBe(before.privateKey)
    expect(serials()).toEqual(
      [before, after.activated].map(
        ({ certificate }) => new X509Certificate(certificate).serialNumber,
      ),
    )
    await until(() => renewals().length === 2, 'word that the new one is in use')
    expect(renewals()[1]?.body).toEqual({ inUse: true })
  })

  it('does not ask while the certificate is fresh, or where the service has no renewal', async () => {
    const fresh = await world.open()
    await fresh.connect()
    await until(() => world.broker.published.length === 1, 'the connect message')
    await fresh.close()
    const { answer } = world.activation
    world.activation.answer = (asked, response) => {
      const end = response.end.bind(response)
      response.end = ((body: string) =>
        end(body.replace(/,"renew":"[^"]*"/, ''))) as typeof response.end
      return answer(asked, response)
    }
    const old = await world.open({ clock: later, directory: join(world.directory, 'other') })
    await old.connect()
    await until(() => world.broker.published.length === 2, 'the second connect message')
    await old.register('com.example.app')
    expect(renewals()).toHaveLength(0)
  })

  it('keeps the old pair until the new one has connected', async () => {
    const signed: string[] = []
    answerRenewals(async (csr) => {
      const certificate = await world.ca.sign(csr, deviceId)
      signed.push(certificate)
      world.broker.revoked.add(new X509Certificate(certificate).serialNumber)
      return certificate
    })
    const device = await world.open({ clock: later })
    const errors: string[] = []
    const log: string[] = []
    device.on('disconnected', ({ cause }) => void log.push(cause))
    device.on('error', ({ reason }) => void errors.push(reason))
    await device.connect()
    const old = (await identity()).activated
    await until(() => log.length >= 4, 'three failures with the new one after the end of the old')
    await until(() => device.isConnected, 'the old one again', 8_000)
    await until(() => serials().length === 2, 'the second connection')
    expect(new Set(serials())).toEqual(new Set([new X509Certificate(old.certificate).serialNumber]))
    expect((await identity()).activated).toEqual(old)
  })

  it('uses the same key again when the answer was lost', async () => {
    const device = await world.open({ clock: later })
    await device.connect()
    await until(() => renewals().length === 1, 'the request')
    await device.close()
    await (await world.open({ clock: later })).connect()
    await until(() => renewals().length === 2, 'the second request')
    const { Pkcs10CertificateRequest } = await import('@peculiar/x509')
    const keys = renewals().map(({ body }) =>
      Buffer.from(new Pkcs10CertificateRequest(String(body.csr)).publicKey.rawData).toString('hex'),
    )
    expect(keys[0]).toBe(keys[1])
  })

  it('connects with the new pair after a restart in between', async () => {
    answerRenewals((csr) => world.ca.sign(csr, deviceId))
    const device = await world.open({ clock: later })
    world.broker.refused.clear()
    device.on('disconnected', () => void world.broker.refused.add(deviceId))
    await device.connect()
    await until(() => world.broker.refused.size === 1, 'the end of the old connection')
    await device.close()
    world.broker.refused.clear()
    const { next } = await identity()
    await (await world.open({ clock: later })).connect()
    await until(() => serials().at(-1) === new X509Certificate(next.certificate).serialNumber, 'it')
    await until(
      async () => (await identity()).activated.certificate === next.certificate,
      'the new pair in the place of the old',
    )
  })

  it.each<[string, (csr: string) => Promise<string> | string]>([
    ['another device', (csr) => world.ca.sign(csr, 'fedcba9876543210')],
    ['another key', () => world.ca.certificate],
    ['nobody', () => 'no certificate'],
  ])('refuses a certificate for %s', async (_whom, certificateFor) => {
    answerRenewals(certificateFor)
    const device = await world.open({ clock: later })
    const errors: string[] = []
    device.on('error', ({ reason }) => void errors.push(reason))
    await device.connect()
    await until(() => errors.length === 1, 'the error')
    expect(errors).toEqual(['BadMessage'])
    expect((await identity()).next.certificate).toBeUndefined()
    expect(device.isConnected).toBe(true)
  })

  it('that has passed is told of', async () => {
    const { activation } = world
    await (await world.open()).activate()
    const expired: Clock = { ...systemClock, now: () => Date.now() + 400 * DAY }
    const device = await world.open({ clock: expired })
    const errors: string[] = []
    device.on('error', ({ reason }) => void errors.push(reason))
    await device.connect()
    expect(errors).toEqual(['CertificateExpired'])
    expect(activation.asked).toHaveLength(1)
  })
})
