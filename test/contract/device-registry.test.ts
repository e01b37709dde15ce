import { certificateIdOf } from '@heliograph/core/devices/activate'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Device, makeDevice } from '../../packages/embedded-cloud/test/iot-support.ts'
import {
  type DeviceRegistryTarget,
  deviceRegistryTargets,
  type Mishap,
} from './device-registry-target.ts'
import { newDevice } from './samples.ts'

const mishaps: readonly Mishap[] = ['throttled', 'answer lost']
/** More than a call takes. */
const MANY_STEPS = 10

describe.each(deviceRegistryTargets)('device registry: %s', (_name, open, isInSteps) => {
  let target: DeviceRegistryTarget
  beforeAll(async () => {
    target = await open()
  })
  afterAll(() => target.close())

  interface Known {
    readonly deviceId: DeviceId
    readonly certificate: Device
    readonly id: string
  }

  /** A certificate that the registry has not seen, for this device or a new one. */
  async function made(deviceId = newDevice()): Promise<Known> {
    const certificate = await makeDevice(deviceId)
    return { deviceId, certificate, id: certificateIdOf(certificate.cert) }
  }
  const admit = ({ deviceId, certificate }: Known) =>
    target.registry.admit(deviceId, certificate.cert)
  const retire = ({ deviceId, id }: Known) => target.registry.retire(deviceId, id)
  const isLetIn = ({ deviceId, certificate }: Known) => target.letsIn(deviceId, certificate)
  const isAttached = async ({ deviceId, id }: Known) =>
    (await target.attachedTo(deviceId)).includes(id)

  async function admitted(deviceId?: DeviceId): Promise<Known> {
    const known = await made(deviceId)
    await admit(known)
    return known
  }

  /** Each step goes wrong once, in a call of its own: how many there are shows when one succeeds. */
  async function spoilEach(
    mishap: Mishap,
    prepare: () => Promise<Known>,
    call: (known: Known) => Promise<void>,
    after: (known: Known, step: number) => Promise<void>,
  ): Promise<number> {
    for (let step = 1; step <= MANY_STEPS; step += 1) {
      const known = await prepare()
      target.spoil?.(step, mishap)
      const outcome = await call(known).then(() => 'done', String)
      target.spoil?.(0, mishap)
      if (outcome === 'done') return step - 1
      expect(outcome).toMatch(mishap === 'throttled' ? /Rate exceeded/ : /socket hang up/)
      await after(known, step)
    }
    throw new Error('it takes too many steps')
  }

  test('a certificate lets its device in once it is admitted, and not before', async () => {
    const known = await made()
    expect(await isLetIn(known)).toBe(false)
    await admit(known)
    expect(await isLetIn(known)).toBe(true)
    expect(await target.attachedTo(known.deviceId)).toEqual([known.id])
  })

  test('it lets nobody in as another device', async () => {
    const [known, other] = [await admitted(), await admitted()]
    expect(await target.letsIn(other.deviceId, known.certificate)).toBe(false)
  })

  test('admitted again it is the same, also when both calls come at once', async () => {
    const known = await made()
    await Promise.all([admit(known), admit(known)])
    await admit(known)
    expect(await isLetIn(known)).toBe(true)
    expect(await target.attachedTo(known.deviceId)).toEqual([known.id])
  })

  test('the certificate of another device is refused, and stays that device’s', async () => {
    const known = await admitted()
    const thief = newDevice()
    await expect(admit({ ...known, deviceId: thief })).rejects.toThrow(
      /attached to the thing|belongs to/,
    )
    expect(await target.letsIn(thief, known.certificate)).toBe(false)
    expect(await isLetIn(known)).toBe(true)
  })

  test('a device may have several, and each is retired by itself', async () => {
    const first = await admitted()
    const second = await admitted(first.deviceId)
    expect([await isLetIn(first), await isLetIn(second)]).toEqual([true, true])
    await retire(first)
    expect([await isLetIn(first), await isLetIn(second)]).toEqual([false, true])
    expect(await target.attachedTo(first.deviceId)).toEqual([second.id])
  })

  test('the thing may be there already, with attributes that its owner gave it', async () => {
    const known = await made()
    await target.describe(known.deviceId)
    await admit(known)
    expect(await isLetIn(known)).toBe(true)
  })

  test('a retired certificate is useless for good, even if it is admitted again', async () => {
    const known = await admitted()
    await retire(known)
    expect(await isLetIn(known)).toBe(false)
    expect(await isAttached(known)).toBe(false)
    await target.reactivate(known.id)
    await admit(known)
    expect(await isLetIn(known)).toBe(false)
  })

  test('retiring is repeatable, and so is retiring what is not there', async () => {
    const known = await admitted()
    await retire(known)
    await retire(known)
    await retire(await made())
    await retire(await made(known.deviceId))
    const deleted = await admitted()
    await target.delete(deleted.deviceId, deleted.id)
    await retire(deleted)
    expect(await isLetIn(deleted)).toBe(false)
  })

  test.runIf(isInSteps).each(mishaps)(
    'admit, a step %s: nobody is let in before the last, and the repeat goes on',
    async (mishap) => {
      const letIn: boolean[] = []
      const steps = await spoilEach(mishap, made, admit, async (known) => {
        letIn.push(await isLetIn(known))
        await admit(known)
        expect(await isLetIn(known)).toBe(true)
        expect(await target.attachedTo(known.deviceId)).toEqual([known.id])
      })
      expect(steps).toBeGreaterThan(1)
      // the last step was done where only its answer was lost
      const expected = Array.from({ length: steps }, () => false)
      if (mishap === 'answer lost') expected[steps - 1] = true
      expect(letIn).toEqual(expected)
    },
  )

  test.runIf(isInSteps).each(mishaps)(
    'retire, a step %s: the certificate can be found until nothing is left to do',
    async (mishap) => {
      const seen: { letIn: boolean; attached: boolean }[] = []
      const steps = await spoilEach(mishap, admitted, retire, async (known) => {
        seen.push({ letIn: await isLetIn(known), attached: await isAttached(known) })
        await retire(known)
        expect(await isLetIn(known)).toBe(false)
        expect(await isAttached(known)).toBe(false)
      })
      expect(steps).toBeGreaterThan(1)
      const attached = Array.from({ length: steps }, () => true)
      if (mishap === 'answer lost') attached[steps - 1] = false
      expect(seen.map((each) => each.attached)).toEqual(attached)
      // useless first, detached afterward
      const shut = seen.findIndex(({ letIn }) => !letIn)
      expect(shut).toBeGreaterThanOrEqual(0)
      expect(seen.slice(shut).every(({ letIn }) => !letIn)).toBe(true)
      expect(shut).toBeLessThan(steps - 1)
    },
  )
})
