import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Registration, RegistrationKey, Registrations } from '@heliograph/core/ports'
import { parseDeviceId, parseTopic } from '@heliograph/protocol/identifiers'
import { defined, type Item, number, optionalNumber, parsed, s, text } from './attributes.ts'
import { table } from './table.ts'

/** What accept and deliver ask of the registrations table; key (deviceId, topic). */
export function registrationReads(
  client: DynamoDBClient,
  tableName: string,
): Pick<Registrations, 'find' | 'findAll'> {
  const { get, getAll } = table(client, tableName)

  async function find(...[deviceId, topic]: Parameters<Registrations['find']>) {
    const item = await get(registrationKey({ deviceId, topic }))
    return item && registrationOf(item)
  }

  return {
    find,

    async findAll(keys) {
      const [only] = keys
      // a single read is answered sooner
      if (only && keys.length === 1) return [await find(only.deviceId, only.topic)]
      const found = (await getAll(keys.map(registrationKey))).map(registrationOf)
      const byName = new Map(found.map((registration) => [nameOf(registration), registration]))
      return keys.map((key) => byName.get(nameOf(key)))
    },
  }
}

function nameOf({ deviceId, topic }: RegistrationKey): string {
  return `${deviceId}/${topic}`
}

export function registrationKey({ deviceId, topic }: RegistrationKey): Item {
  return { deviceId: s(deviceId), topic: s(topic) }
}

export function registrationOf(item: Item): Registration {
  return defined({
    deviceId: parsed(item, 'deviceId', parseDeviceId),
    topic: parsed(item, 'topic', parseTopic),
    live: text(item, 'state') === 'live',
    registeredAt: number(item, 'registeredAt'),
    unregisteredAt: optionalNumber(item, 'unregisteredAt'),
    expiredAt: optionalNumber(item, 'expiredAt'),
  }) as Registration
}
