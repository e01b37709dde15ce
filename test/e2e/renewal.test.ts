import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { assemblyWith, welcomeOperator } from './operator-support.ts'
import { show } from './renewals.ts'
import { readyDevice, request, startTarget, until } from './support.ts'
import type { Target } from './target.ts'

/** With the 5 minutes that a certificate is dated back, less than a third is left from the start. */
const CERTIFICATE_DAYS = '0.0016'

let target: Target
let assembly: string
beforeAll(async () => {
  assembly = assemblyWith({ DEVICE_CERTIFICATE_DAYS: CERTIFICATE_DAYS })
  target = await startTarget({ assembly })
  welcomeOperator(target)
})
afterAll(async () => {
  await target?.close()
  rmSync(assembly, { recursive: true, force: true })
})

it('the SDK renews its certificate over the connection, and goes on with the new one alone', async () => {
  const { device, received, token } = await readyDevice(target)
  const deviceId = await device.activate()
  await until(() => target.logs.some((line) => line.includes('"settled"')) || undefined)
  const { certificates } = (await show(target, deviceId)).device
  expect(certificates).toHaveLength(1)
  await until(() => device.isConnected || undefined)
  expect((await request(target, { token })).status).toBe(200)
  await until(() => received[0])
  await device.close()
})
