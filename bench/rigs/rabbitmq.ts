import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rig } from '../load.ts'
import { brokerRig } from './broker.ts'
import { type Place, startProgram } from './place.ts'

/** What Erlang takes to start on a busy machine, milliseconds. */
const PATIENCE_MS = 60_000

/**
 * RabbitMQ with its MQTT plugin, devices with client certificates and sessions that outlive their connection,
 * behind the same Node gateway. A message with QoS 1 to such a session is acknowledged when it is on disk.
 */
export async function rabbitmqRig(program: string, place: Place): Promise<Rig> {
  const port = place.portBase + 40
  const folder = place.folder('rabbitmq')
  const environment = environmentOf(folder, port)
  writeFileSync(environment.RABBITMQ_CONFIG_FILE, configuration(place, port))
  writeFileSync(environment.RABBITMQ_ENABLED_PLUGINS_FILE, '[rabbitmq_mqtt].\n')
  const started = { environment, withinMs: PATIENCE_MS }
  const broker = await startProgram(program, [], [port], started)
  const stop = async () => {
    await broker.stop()
    // the name server of Erlang is started beside it and stays; this one has a port of its own
    execFileSync('epmd', ['-port', environment.ERL_EPMD_PORT, '-kill'], { stdio: 'ignore' })
  }
  const named = { pid: broker.pid, stop, port }
  return brokerRig('RabbitMQ MQTT + Node gateway', place, named, port + 1, { keepsSessions: true })
}

/** Keeps clear of the places that an installed one uses (RabbitMQ, "File and Directory Locations"). */
function environmentOf(folder: string, port: number) {
  return {
    HOME: folder,
    RABBITMQ_NODENAME: `bench-${port}@localhost`,
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_DIST_PORT: String(port + 3),
    ERL_EPMD_PORT: String(port + 4),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  } as const
}

/** Whoever has a certificate of the device CA is anonymous, as with the other brokers. */
function configuration({ files }: Place, port: number): string {
  return `
listeners.tcp.local = 127.0.0.1:${port + 2}
mqtt.listeners.tcp = none
mqtt.listeners.ssl.default = 127.0.0.1:${port}
mqtt.allow_anonymous = true
mqtt.prefetch = 1000
ssl_options.cacertfile = ${files.deviceAuthority}
ssl_options.certfile = ${files.cert}
ssl_options.keyfile = ${files.key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
log.file.level = error
`
}
