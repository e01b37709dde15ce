import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import mqtt from 'mqtt'
import { type FleetDevice, inParallel } from '../fleet.ts'
import { Arrivals, type Rig } from '../load.ts'
import { openProvider, send } from '../provider.ts'
import { type Place, type Program, startProgram } from './place.ts'

/** An MQTT broker that is started for a peer, with the port its devices connect to. */
export interface BrokerProgram extends Program {
  readonly port: number
}

const gatewayScript = fileURLToPath(new URL('../child/gateway.mjs', import.meta.url))

/**
 * A broker behind the gateway of `bench/child`; every device subscribes its own topic with QoS 1. With
 * `keepsSessions` the broker keeps for a device what comes while it is away.
 */
export async function brokerRig(
  name: string,
  place: Place,
  broker: BrokerProgram,
  gatewayPort: number,
  { keepsSessions = false }: { readonly keepsSessions?: boolean } = {},
): Promise<Rig> {
  const gateway = await startGateway(place, broker.port, gatewayPort)
  const arrivals = new Arrivals()
  const clients = await inParallel(place.devices.length, 16, (index) =>
    subscribe(place, place.devices[index] as FleetDevice, {
      ...{ port: broker.port, arrivals, clean: !keepsSessions },
    }),
  )
  const session = openProvider(place.local, `https://localhost:${gatewayPort}`)
  const { topic } = place.local.provider
  return {
    name,
    devices: place.devices.length,
    arrivals,
    send: async (device, alert) => {
      const { deviceId } = place.devices[device] as FleetDevice
      return (await send(session, { path: `/3/device/${deviceId}`, topic, alert })) === 200
    },
    close: async () => {
      session.close()
      await Promise.all(clients.map((client) => client.endAsync(true)))
      await gateway.stop()
      await broker.stop()
    },
  }
}

async function startGateway(place: Place, brokerPort: number, port: number): Promise<Program> {
  const folder = place.folder(`gateway-${port}`)
  const settings = join(folder, 'settings.json')
  const serverAuthority = join(folder, 'server-ca.pem')
  writeFileSync(serverAuthority, place.serverAuthority)
  writeFileSync(settings, JSON.stringify({ ...place.files, serverAuthority, brokerPort, port }))
  return startProgram(process.execPath, [gatewayScript, settings], [port])
}

async function subscribe(
  place: Place,
  { deviceId, credentials }: FleetDevice,
  { port, arrivals, clean }: { port: number; arrivals: Arrivals; clean: boolean },
) {
  const client = await mqtt.connectAsync({
    protocol: 'mqtts',
    host: 'localhost',
    port,
    ca: place.serverAuthority,
    ...credentials,
    clientId: deviceId,
    clean,
    reconnectPeriod: 0,
  })
  client.on('message', (_topic, payload) => {
    const { aps } = JSON.parse(payload.toString()) as { aps: { alert: string } }
    arrivals.note(aps.alert)
  })
  await client.subscribeAsync(`d/${deviceId}`, { qos: 1 })
  return client
}
