import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rig } from '../load.ts'
import { brokerRig } from './broker.ts'
import { type Place, startProgram } from './place.ts'

/** NATS with its MQTT door, devices with client certificates, behind the same Node gateway. */
export async function natsRig(program: string, place: Place): Promise<Rig> {
  const port = place.portBase + 10
  const folder = place.folder('nats')
  const config = join(folder, 'nats.conf')
  writeFileSync(config, configuration(place, port, folder))
  const broker = await startProgram(program, ['-c', config], [port])
  return brokerRig('NATS MQTT + Node gateway', place, { ...broker, port }, port + 1)
}

/** MQTT in NATS keeps its sessions in JetStream, so it has to be on. */
function configuration({ files }: Place, port: number, folder: string): string {
  return `
server_name: bench
listen: 127.0.0.1:${port + 2}
jetstream { store_dir: "${folder}" }
mqtt {
  host: 127.0.0.1
  port: ${port}
  max_ack_pending: 65535
  tls {
    cert_file: "${files.cert}"
    key_file: "${files.key}"
    ca_file: "${files.deviceAuthority}"
    verify: true
  }
}
`
}
