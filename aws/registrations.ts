import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { DeviceId, Topic } from '../core/identifiers.ts'
import type { Registration, Registrations } from '../core/ports.ts'
import { defined, type Item, n, number, optionalNumber, s, text } from './attributes.ts'
import { ofDevice, queryAll } from './query.ts'

/** The registrations table: key (deviceId, topic). */
export function registrations(client: DynamoDBClient, tableName: string): Registrations {
  const keyOf = (deviceId: DeviceId, topic: Topic): Item => ({
    deviceId: s(deviceId),
    topic: s(topic),
  })

  async function find(deviceId: DeviceId, topic: Topic): Promise<Registration | undefined> {
    const { Item: item } = await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: keyOf(deviceId, topic),
        ConsistentRead: true,
      }),
    )
    return item && registrationOf(item)
  }

  /** Sets the state as of `at`; `true` again is a repeat that keeps the first `registeredAt`. */
  async function change(deviceId: DeviceId, topic: Topic, live: boolean, at: number) {
    const { Attributes: item } = await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: keyOf(deviceId, topic),
        UpdateExpression: live
          ? 'SET #state = :state, changedAt = :at, registeredAt = :at'
          : 'SET #state = :state, changedAt = :at, unregisteredAt = :at',
        ConditionExpression: live
          ? 'attribute_not_exists(changedAt) OR (changedAt <= :at AND #state <> :state)'
          : 'changedAt <= :at AND (#state <> :state OR changedAt = :at)',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':state': s(live ? 'live' : 'dead'), ':at': n(at) },
        ReturnValues: 'ALL_NEW',
      }),
    )
    if (!item) throw new Error('DynamoDB returned no item for an update')
    return { applied: true, registration: registrationOf(item) }
  }

  return {
    find,

    async list(deviceId) {
      return (await queryAll(client, ofDevice(tableName, deviceId))).map(registrationOf)
    },

    async change(deviceId, topic, live, at) {
      try {
        return await change(deviceId, topic, live, at)
      } catch (fault) {
        if (!(fault instanceof ConditionalCheckFailedException)) throw fault
        const registration = await find(deviceId, topic)
        if (!registration) throw fault
        return { applied: false, registration }
      }
    },
  }
}

function registrationOf(item: Item): Registration {
  return defined({
    deviceId: text(item, 'deviceId') as DeviceId,
    topic: text(item, 'topic') as Topic,
    live: text(item, 'state') === 'live',
    registeredAt: number(item, 'registeredAt'),
    unregisteredAt: optionalNumber(item, 'unregisteredAt'),
  }) as Registration
}
