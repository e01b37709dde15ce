import { randomBytes } from 'node:crypto'
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { certificateList } from '@heliograph/aws/devices'
import { MAX_CERTIFICATES } from '@heliograph/core/devices/device-record'
import type { DeviceCertificate } from '@heliograph/core/ports'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { welcomeOperator } from '../e2e/operator-support.ts'
import { askForCertificates, openAttacker, revoke, show, untilRenewed } from '../e2e/renewals.ts'
import {
  activatePlainly,
  clientOptions,
  PlainDevice,
  startTarget,
  stateOutputs,
} from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

const REQUESTS = 25

let target: Target
let signatures = 0

beforeAll(async () => {
  target = await startTarget({
    beforeService: ({ service, action, request: { caller } }) => {
      if (service === 'kms' && action === 'Sign' && /Renew/.test(caller.name)) signatures += 1
      return undefined
    },
  })
  welcomeOperator(target)
})
afterAll(() => target?.close())

describe('a device that asks for certificates in a loop', () => {
  it('gets one, costs one signature, and is revoked like any other', async () => {
    const attacker = await openAttacker(target)
    await askForCertificates(attacker, REQUESTS)
    await untilRenewed(target, REQUESTS)
    const { device } = await show(target, attacker.deviceId)
    expect(device.certificates).toHaveLength(2)
    expect(signatures).toBe(1)
    const errors = attacker.device.messages.filter(({ topic }) => topic === 'heliograph/error')
    expect(errors.map(({ text }) => JSON.parse(text).reason)).toContain('TooManyRenewals')

    expect(await revoke(target, attacker.deviceId)).toMatchObject({
      certificates: 2,
      disconnected: true,
    })
    await expect(new PlainDevice(attacker.activation).connect()).rejects.toThrow('refused')
  })
})

describe('a device whose record was filled before there was a bound', () => {
  // One moment for all of them: DynamoDB counts a number by its digits, without zeros at its end.
  const notAfter = Date.now()
  const filler = (length: number): DeviceCertificate => ({
    certificateId: randomBytes(32).toString('hex'),
    keyHash: randomBytes(32).toString('hex'),
    certificate: 'x'.repeat(length),
    notAfter,
  })

  function refusedForSize(error: unknown): false {
    if (error instanceof Error && error.message.startsWith('Item size has exceeded')) return false
    throw error
  }

  /** As an attacker's renewals left it: its own certificate is the last of many, and no byte is free. */
  async function fillRecord(deviceId: string): Promise<void> {
    const client = new DynamoDBClient(clientOptions(target))
    const { DevicesTable: TableName } = stateOutputs(target)
    const Key = { deviceId: { S: deviceId } }
    const { Item: item } = await client.send(new GetItemCommand({ TableName, Key }))
    const [own = { NULL: true }] = item?.certificates?.L ?? []
    const full = Array.from({ length: 480 }, () => filler(600))
    const holds = async (length: number) => {
      const { L: others } = certificateList([filler(length), ...full])
      const Item = { ...item, certificates: { L: [...others, own] } }
      const put = client.send(new PutItemCommand({ TableName, Item }))
      return put.then(() => true).catch(refusedForSize)
    }
    let [fits, tooLong] = [0, 200_000]
    while (tooLong - fits > 1) {
      const middle = Math.floor((fits + tooLong) / 2)
      if (await holds(middle)) fits = middle
      else tooLong = middle
    }
    expect(await holds(fits)).toBe(true)
    client.destroy()
  }

  it('is revoked at the first try, and its record is small again', async () => {
    const activation = await activatePlainly(target)
    const { deviceId } = activation.answer
    await fillRecord(deviceId)
    expect((await show(target, deviceId)).device.certificates).toHaveLength(482)

    expect(await revoke(target, deviceId)).toMatchObject({ certificates: 482 })
    await expect(new PlainDevice(activation).connect()).rejects.toThrow('refused')
    const { device } = await show(target, deviceId)
    expect(device.revokedAt).toBeGreaterThan(0)
    expect(device.certificates).toHaveLength(MAX_CERTIFICATES)
    expect(await revoke(target, deviceId)).toMatchObject({ disconnected: false })
  })
})
