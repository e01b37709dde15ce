import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rig } from '../load.ts'
import { brokerRig } from './broker.ts'
import { type Place, startProgram } from './place.ts'

/** Mosquitto, devices with client certificates, behind a Node gateway with client certificates. */
export function mosquittoRig(program: string, place: Place): Promise<Rig> {
  return open(program, place, { name: 'Mosquitto + Node gateway', folder: 'mosquitto', port: 0 })
}

/** The same with sessions that outlive their connection, and all that it keeps written to its disk at every change. */
export function mosquittoDurableRig(program: string, place: Place): Promise<Rig> {
  const name = 'Mosquitto, saved at every change + Node gateway'
  return open(program, place, { name, folder: 'mosquitto-durable', port: 30, isSaved: true })
}

interface Kind {
  readonly name: string
  readonly folder: string
  /** From the first port of the place. */
  readonly port: number
  readonly isSaved?: boolean
}

async function open(program: string, place: Place, kind: Kind): Promise<Rig> {
  const port = place.portBase + kind.port
  const folder = place.folder(kind.folder)
  const config = join(folder, 'mosquitto.conf')
  writeFileSync(config, configuration(place, port) + persistence(folder, kind.isSaved ?? false))
  const broker = await startProgram(program, ['-c', config], [port])
  const keepsSessions = kind.isSaved ?? false
  return brokerRig(kind.name, place, { ...broker, port }, port + 1, { keepsSessions })
}

function persistence(folder: string, isSaved: boolean): string {
  if (!isSaved) return 'persistence false\n'
  return `persistence true
persistence_location ${folder}/
autosave_on_changes true
autosave_interval 1
`
}

function configuration({ files }: Place, port: number): string {
  return `
listener ${port} 127.0.0.1
cafile ${files.deviceAuthority}
certfile ${files.cert}
keyfile ${files.key}
require_certificate true
allow_anonymous true
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
log_type error
user root
`
}
