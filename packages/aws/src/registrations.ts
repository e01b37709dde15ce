import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Registration, Registrations } from '@heliograph/core/ports'
import type { DeviceId, Topic } from '@heliograph/protocol/identifiers'
import { type Item, n, s } from './attributes.ts'
import { ofDevice, queryAll } from './query.ts'
import { registrationKey, registrationOf, registrationReads } from './registration-reads.ts'
import { table } from './table.ts'

/**
 * Each as what to set and on which condition. A request that finds its state already there still
 * leaves its time, so that an older one for the other state comes too late.
 */
const steps = {
  reserved: [
    ['#state = :dead, changedAt = :first, registeredAt = :at', 'attribute_not_exists(changedAt)'],
  ],
  live: [
    ['changedAt = :at', '#state = :live AND changedAt <= :at'],
    [
      '#state = :live, changedAt = :at, registeredAt = :at',
      'attribute_not_exists(changedAt) OR (#state = :dead AND changedAt <= :at)',
    ],
  ],
  dead: [
    ['#state = :dead, changedAt = :at, unregisteredAt = :at', '#state = :live AND changedAt < :at'],
    ['changedAt = :at', '#state = :dead AND changedAt < :at'],
  ],
  revoked: [
    [
      '#state = :dead, changedAt = :never, unregisteredAt = :at',
      '#state = :live AND registeredAt < :at',
    ],
    ['changedAt = :never', '#state = :dead'],
  ],
} as const

/** The greatest time that a Date can hold: every request is older, and so comes too late. */
const NEVER = 8_640_000_000_000_000

/** Every request is later, and so counts. */
const FIRST = 0

/** DynamoDB refuses values that no expression uses. */
function valuesIn(expressions: string, at: number): Item {
  const states = { ':live': s('live'), ':dead': s('dead') }
  const values = { ...states, ':at': n(at), ':first': n(FIRST), ':never': n(NEVER) }
  return Object.fromEntries(Object.entries(values).filter(([name]) => expressions.includes(name)))
}

/** The registrations table: key (deviceId, topic). */
export function registrations(client: DynamoDBClient, tableName: string): Registrations {
  const { updateIf } = table(client, tableName)
  const reads = registrationReads(client, tableName)

  /** What holds after the update, or undefined if its condition did not hold. */
  async function update(
    deviceId: DeviceId,
    topic: Topic,
    at: number,
    [set, condition]: readonly [set: string, condition: string],
  ): Promise<Registration | undefined> {
    const item = await updateIf(registrationKey({ deviceId, topic }), {
      UpdateExpression: `SET ${set}`,
      ConditionExpression: condition,
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: valuesIn(`${set} ${condition}`, at),
    })
    return item && registrationOf(item)
  }

  /** What holds after the first step whose condition did, or undefined. */
  async function step(
    kind: keyof typeof steps,
    deviceId: DeviceId,
    topic: Topic,
    at: number,
  ): Promise<Registration | undefined> {
    for (const one of steps[kind]) {
      const changed = await update(deviceId, topic, at, one)
      if (changed) return changed
    }
    return undefined
  }

  async function findKnown(deviceId: DeviceId, topic: Topic): Promise<Registration> {
    const registration = await reads.find(deviceId, topic)
    if (!registration) throw new Error(`device ${deviceId} is not registered for ${topic}`)
    return registration
  }

  return {
    ...reads,

    async list(deviceId) {
      return (await queryAll(client, ofDevice(tableName, deviceId))).map(registrationOf)
    },

    async reserve(deviceId, topic, at) {
      await step('reserved', deviceId, topic, at)
    },

    async change(deviceId, topic, live, at) {
      const changed = await step(live ? 'live' : 'dead', deviceId, topic, at)
      return changed ?? findKnown(deviceId, topic)
    },

    async revoke(deviceId, topic, at) {
      for (let time = at; ; ) {
        const revoked = await step('revoked', deviceId, topic, time)
        if (revoked) return revoked
        // registered at that time or later: it dies just after
        time = (await findKnown(deviceId, topic)).registeredAt + 1
      }
    },
  }
}
