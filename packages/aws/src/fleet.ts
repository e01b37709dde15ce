import { type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import {
  DeleteCertificateCommand,
  DeleteConflictException,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  type IoTClient,
  ListAttachedPoliciesCommand,
  ListPolicyVersionsCommand,
  ListPrincipalThingsCommand,
  ListTargetsForPolicyCommand,
  ListThingPrincipalsCommand,
  ResourceNotFoundException,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import type { Fleet, FleetDevice } from '@heliograph/core/ports'
import { s } from './attributes.ts'
import { deviceRecordOf } from './devices.ts'
import { deletePatiently, isStillAttached, unlessGone, type Wait } from './patience.ts'

export interface FleetOptions {
  readonly policyName: string
  readonly devicesTable: string
  readonly wait?: Wait
}

/** Holders and records that are looked up at once: few, so that a round of work ends in time. */
const PAGE = 50

/** The things and certificates of one stage: those on its records, and whatever holds its policy. */
export function fleet(
  iot: IoTClient,
  dynamoDb: DynamoDBClient,
  { policyName, devicesTable, wait }: FleetOptions,
): Fleet {
  const certificates = certificateRemover(iot, policyName, wait)
  return {
    async holders() {
      const command = new ListTargetsForPolicyCommand({ policyName, pageSize: PAGE })
      return (await unlessMissing(() => iot.send(command)))?.targets ?? []
    },

    async release(target) {
      const certificateId = /:cert\/([0-9a-f]{64})$/.exec(target)?.[1]
      if (certificateId && (await certificates.isOurs(target)))
        return certificates.remove(certificateId)
      await unlessGone(() => iot.send(new DetachPolicyCommand({ policyName, target })))
      return false
    },

    async devices(after) {
      const { Items: items = [], LastEvaluatedKey: next } = await dynamoDb.send(
        new ScanCommand({
          TableName: devicesTable,
          Limit: PAGE,
          ConsistentRead: true,
          ...(after !== undefined && { ExclusiveStartKey: { deviceId: s(after) } }),
        }),
      )
      const some = items.map(deviceRecordOf).map(
        ({ deviceId, certificates }): FleetDevice => ({
          deviceId,
          certificateIds: certificates.map(({ certificateId }) => certificateId),
        }),
      )
      const last = next?.deviceId?.S
      return last === undefined ? { some } : { some, next: last }
    },

    async remove({ deviceId, certificateIds }) {
      for (const certificateId of certificateIds) await certificates.remove(certificateId)
      await removeThing(iot, deviceId, wait)
    },

    removePolicy: () => removePolicy(iot, policyName),
  }
}

function certificateRemover(iot: IoTClient, policyName: string, wait?: Wait) {
  /** A certificate that also has another policy belongs to someone else, too. */
  async function isOurs(target: string): Promise<boolean> {
    const found = await unlessMissing(() => iot.send(new ListAttachedPoliciesCommand({ target })))
    return (found?.policies ?? []).every((policy) => policy.policyName === policyName)
  }

  /** False when it was gone before. */
  async function remove(certificateId: string): Promise<boolean> {
    const describe = new DescribeCertificateCommand({ certificateId })
    const found = (await unlessMissing(() => iot.send(describe)))?.certificateDescription
    const principal = found?.certificateArn
    if (principal === undefined) return false
    const things = await detach(principal)
    if (found?.status === 'ACTIVE') await deactivate(certificateId)
    await deletePatiently(() => iot.send(new DeleteCertificateCommand({ certificateId })), wait)
    for (const thing of things) await removeThing(iot, thing, wait)
    return true
  }

  /** Returns the names of the things that it was attached to. */
  async function detach(principal: string): Promise<readonly string[]> {
    const list = new ListPrincipalThingsCommand({ principal })
    const { things = [] } = (await unlessMissing(() => iot.send(list))) ?? {}
    for (const thingName of things)
      await unlessGone(() => iot.send(new DetachThingPrincipalCommand({ thingName, principal })))
    const detachPolicy = new DetachPolicyCommand({ policyName, target: principal })
    await unlessGone(() => iot.send(detachPolicy))
    return things
  }

  async function deactivate(certificateId: string): Promise<void> {
    const command = new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' })
    await unlessGone(() => iot.send(command))
  }

  return { isOurs, remove }
}

/** A thing that another certificate belongs to goes with the last of them. */
async function removeThing(iot: IoTClient, thingName: string, wait?: Wait): Promise<void> {
  try {
    await deletePatiently(() => iot.send(new DeleteThingCommand({ thingName })), wait)
  } catch (fault) {
    if (!isStillAttached(fault)) throw fault
    const list = new ListThingPrincipalsCommand({ thingName })
    const { principals = [] } = (await unlessMissing(() => iot.send(list))) ?? {}
    if (principals.length === 0) throw fault
  }
}

/** CloudFormation's own handler tries once and fails (aws-iot-policy, DeleteHandler). */
async function removePolicy(iot: IoTClient, policyName: string): Promise<boolean> {
  try {
    const { policyVersions = [] } = await iot.send(new ListPolicyVersionsCommand({ policyName }))
    for (const { versionId: policyVersionId, isDefaultVersion } of policyVersions)
      if (!isDefaultVersion)
        await iot.send(new DeletePolicyVersionCommand({ policyName, policyVersionId }))
    await iot.send(new DeletePolicyCommand({ policyName }))
    return true
  } catch (fault) {
    if (fault instanceof ResourceNotFoundException) return true
    if (fault instanceof DeleteConflictException) return false
    throw fault
  }
}

async function unlessMissing<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (fault) {
    if (fault instanceof ResourceNotFoundException) return undefined
    throw fault
  }
}
