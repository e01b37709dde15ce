import { X509Certificate } from 'node:crypto'
import {
  CreateThingCommand,
  DeleteCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  type IoTClient,
  ListThingPrincipalsCommand,
  ResourceNotFoundException,
  ThrottlingException,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { deviceRegistry } from '@heliograph/aws/device-registry'
import { certificateIdOf } from '@heliograph/core/devices/activate'
import type { DeviceRegistry } from '@heliograph/core/ports'
import { deviceRegistry as deviceStoreRegistry, openStore } from '@heliograph/machine/store'
import { systemIds } from '@heliograph/machine/world'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import {
  ARN,
  type Device,
  startWorld,
  type World,
} from '../../packages/embedded-cloud/test/iot-support.ts'
import { temporaryFolder } from '../../packages/embedded-cloud/test/service-harness.ts'
import { admit } from '../../packages/machine/src/mqtt/device-server.ts'
import { MemoryDeviceRegistry } from './memory-device-registry.ts'
import { now, SetClock } from './samples.ts'

/** What goes wrong with a step: it is refused and does nothing, or it is done and nobody hears of it. */
export type Mishap = 'throttled' | 'answer lost'

/** A registry to hold to the contract, and how to look behind it. */
export interface DeviceRegistryTarget {
  readonly registry: DeviceRegistry
  /** Whether whoever holds the certificate and its key can connect as this device. */
  letsIn(deviceId: DeviceId, certificate: Device): Promise<boolean>
  /** Ids of the certificates that are attached to the device's thing. */
  attachedTo(deviceId: DeviceId): Promise<readonly string[]>
  /** The owner makes the device's thing, with attributes of their own. */
  describe(deviceId: DeviceId): Promise<void>
  /** The owner deletes a certificate that was admitted. */
  delete(deviceId: DeviceId, certificateId: string): Promise<void>
  /** Somebody with rights on IoT Core tries to make a certificate active again. */
  reactivate(certificateId: string): Promise<void>
  /**
   * Lets the n-th step from now on go wrong, counted from 1; all others go well. Absent on one machine: a
   * change is one transaction there, which the crash tests of its store hold.
   */
  spoil?(step: number, mishap: Mishap): void
  close(): Promise<void>
}

/** Counts steps, and says which one goes wrong. */
class Spoiler {
  #left = 0
  #mishap: Mishap = 'throttled'

  spoil(step: number, mishap: Mishap): void {
    this.#left = step
    this.#mishap = mishap
  }

  next(): Mishap | undefined {
    this.#left -= 1
    return this.#left === 0 ? this.#mishap : undefined
  }
}

const refusal = () =>
  new ThrottlingException({ message: 'Rate exceeded', $metadata: { httpStatusCode: 429 } })
const silence = () => Object.assign(new Error('socket hang up'), { name: 'TimeoutError' })

async function openMemory(): Promise<DeviceRegistryTarget> {
  const spoiler = new Spoiler()
  const registry = new MemoryDeviceRegistry((work) => {
    const mishap = spoiler.next()
    if (mishap === 'throttled') throw refusal()
    work()
    if (mishap === 'answer lost') throw silence()
  })
  return {
    registry,
    letsIn: async (deviceId, { cert }) => registry.letsIn(deviceId, certificateIdOf(cert)),
    attachedTo: async (deviceId) => registry.attachedTo(deviceId),
    describe: async (deviceId) => registry.addThing(deviceId),
    delete: async (_deviceId, certificateId) => registry.delete(certificateId),
    // the registry in memory has no such call, as nothing of the service may make it
    reactivate: async () => {},
    spoil: (...what) => spoiler.spoil(...what),
    close: async () => {},
  }
}

async function openEmulated(): Promise<DeviceRegistryTarget> {
  const world = await startWorld()
  const client = world.controlClientOf([
    { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }] },
  ])
  const spoiler = new Spoiler()
  spoilCalls(client, spoiler)
  const { control } = world
  return {
    registry: deviceRegistry(client, 'device'),
    letsIn: (deviceId, certificate) => connects(world, { ...certificate, name: deviceId }),
    attachedTo: (deviceId) => attachedTo(control, deviceId),
    async describe(thingName) {
      const attributePayload = { attributes: { room: 'kitchen' } }
      await control.send(new CreateThingCommand({ thingName, attributePayload }))
    },
    delete: (deviceId, certificateId) => deleteCertificate(control, deviceId, certificateId),
    async reactivate(certificateId) {
      const command = new UpdateCertificateCommand({ certificateId, newStatus: 'ACTIVE' })
      await control.send(command).catch(() => {})
    },
    spoil: (...what) => spoiler.spoil(...what),
    async close() {
      client.destroy()
      await world.close()
    },
  }
}

/** A call of the client is a step. The client is one that does not repeat calls by itself. */
function spoilCalls(client: IoTClient, spoiler: Spoiler): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const mishap = spoiler.next()
      if (mishap === 'throttled') throw refusal()
      const answer = await next(args)
      if (mishap === 'answer lost') throw silence()
      return answer
    },
    { step: 'initialize' },
  )
}

async function connects(world: World, device: Device): Promise<boolean> {
  try {
    const connection = await world.connect(device)
    await connection.endAsync()
    return true
  } catch {
    return false
  }
}

async function attachedTo(control: IoTClient, thingName: string): Promise<readonly string[]> {
  try {
    const { principals = [] } = await control.send(new ListThingPrincipalsCommand({ thingName }))
    return principals.map((arn) => arn.slice(arn.lastIndexOf('/') + 1))
  } catch (fault) {
    if (fault instanceof ResourceNotFoundException) return []
    throw fault
  }
}

async function deleteCertificate(
  control: IoTClient,
  thingName: string,
  certificateId: string,
): Promise<void> {
  const principal = `${ARN}:cert/${certificateId}`
  await control.send(new DetachThingPrincipalCommand({ thingName, principal }))
  await control.send(new DetachPolicyCommand({ policyName: 'device', target: principal }))
  await control.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
  await control.send(new DeleteCertificateCommand({ certificateId }))
}

/** The record is the registry there, so a certificate is admitted as the rules do it: on record, then confirmed. */
async function openMachine(): Promise<DeviceRegistryTarget> {
  const folder = await temporaryFolder()
  const ids = systemIds()
  const clock = new SetClock()
  const store = await openStore({ folder: folder.path, key: ids.bytes(32), clock, ids })
  const { devices } = store
  const registry = deviceStoreRegistry(store.environment, () => {})
  return {
    registry: {
      async admit(deviceId, certificate) {
        const certificateId = certificateIdOf(certificate)
        const made = { certificateId, keyHash: certificateId, certificate, notAfter: now }
        await devices.addCertificate(deviceId, made, now)
        await registry.admit(deviceId, certificate)
        await devices.confirmCertificate(deviceId, certificateId)
      },
      retire: (deviceId, certificateId) => registry.retire(deviceId, certificateId),
    },
    async letsIn(deviceId, { cert }) {
      const admitted = admit(new X509Certificate(cert), devices)
      return 'deviceId' in admitted && admitted.deviceId === deviceId
    },
    attachedTo: (deviceId) => registry.attached(deviceId),
    // there is no thing, and nobody's rights lead past the operator's own command
    describe: async () => {},
    reactivate: async () => {},
    delete: (deviceId, certificateId) => devices.forgetCertificates(deviceId, [certificateId]),
    async close() {
      await store.close()
      await folder.remove()
    },
  }
}

/** The registry in memory, aws/device-registry on the embedded IoT Core, and the record of one machine. */
export const deviceRegistryTargets: readonly (readonly [
  name: string,
  open: () => Promise<DeviceRegistryTarget>,
  isInSteps: boolean,
])[] = [
  ['in memory', openMemory, true],
  ['aws/ on the embedded cloud', openEmulated, true],
  ['one machine', openMachine, false],
]
