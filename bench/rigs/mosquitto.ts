import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rig } from '../load.ts'
import { brokerRig } from './broker.ts'
import { type Place, startProgram } from './place.ts'

/** Mosquitto, devices with client certificates, behind a Node gateway with client certificates. */
export async function mosquittoRig(program: string, place: Place): Promise<Rig> {
  const port = place.portBase
  const config = join(place.folder('mosquitto'), 'mosquitto.conf')
  writeFileSync(config, configuration(place, port))
  const broker = await startProgram(program, ['-c', config], [port])
  return brokerRig('Mosquitto + Node gateway', place, { ...broker, port }, port + 1)
}

function configuration({ files }: Place, port: number): string {
  return `
listener ${port} 127.0.0.1
cafile ${files.deviceAuthority}
certfile ${files.cert}
keyfile ${files.key}
require_certificate true
allow_anonymous true
persistence false
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
log_type error
user root
`
}
