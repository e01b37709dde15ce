import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { authorities } from '@heliograph/aws/authorities'
import type { LocalFile } from '../../bin/demo.ts'
import { LOCAL_STAGE, type OperatorFile } from '../../bin/embedded.ts'
import { loadTls } from '../../packages/embedded-cloud/src/tls.ts'
import { openDeployment } from '../../packages/operator/src/aws-deployment.ts'
import type { ServiceProcess } from '../cloud-process.ts'
import type { FleetDevice } from '../fleet.ts'

/** What every peer gets, so that only the software differs: the same certificates, keys and names. */
export interface Place {
  readonly local: LocalFile
  /** The devices' identities; the peers use the first as the gateway's own. */
  readonly devices: readonly FleetDevice[]
  /** PEM of the CA that server certificates are from. */
  readonly serverAuthority: string
  /** Paths of PEM files. */
  readonly files: {
    readonly cert: string
    readonly key: string
    readonly deviceAuthority: string
    readonly providerAuthority: string
    readonly gatewayCert: string
    readonly gatewayKey: string
  }
  /** The first of a range of ports that is free for peers. */
  readonly portBase: number
  /** A new folder for one peer. */
  folder(name: string): string
}

export async function preparePlace(
  cloud: ServiceProcess,
  devices: readonly FleetDevice[],
  portBase: number,
): Promise<Place> {
  const root = join(cloud.state, 'peers')
  mkdirSync(root)
  const tls = await loadTls(join(cloud.state, 'tls'), [])
  const roots = await deviceAndProviderRoots(cloud.state)
  const write = (name: string, pem: string) => {
    writeFileSync(join(root, name), pem)
    return join(root, name)
  }
  const gateway = devices[0]?.credentials ?? { cert: '', key: '' }
  return {
    local: cloud.local,
    devices,
    serverAuthority: tls.ca,
    files: {
      cert: write('server.pem', tls.cert),
      key: write('server.key', tls.key),
      deviceAuthority: write('device-ca.pem', roots.device),
      providerAuthority: write('provider-ca.pem', roots.provider),
      gatewayCert: write('gateway.pem', gateway.cert),
      gatewayKey: write('gateway.key', gateway.key),
    },
    portBase,
    folder: (name) => {
      const folder = join(root, name)
      mkdirSync(folder)
      return folder
    },
  }
}

async function deviceAndProviderRoots(
  state: string,
): Promise<{ readonly device: string; readonly provider: string }> {
  const { environment } = JSON.parse(
    readFileSync(join(state, 'operator.json'), 'utf8'),
  ) as OperatorFile
  const deployment = await openDeployment({ stage: LOCAL_STAGE, environment })
  try {
    const known = authorities(deployment.clients.dynamoDb, deployment.outputs.AuthoritiesTable)
    const [device, provider] = await Promise.all([known.find('device'), known.find('provider')])
    if (!device || !provider) throw new Error('the embedded cloud has no CAs')
    return { device: device.certificate, provider: provider.certificate }
  } finally {
    deployment.close()
  }
}

/** The path of a program, or undefined where this machine does not have it. */
export function programPath(name: string): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter)
  // the wrapper that Debian puts into the path changes the user before it starts RabbitMQ
  const folders = ['/usr/lib/rabbitmq/bin', ...path, '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find(existsSync)
}

export interface Program {
  readonly pid: number | undefined
  stop(): Promise<void>
}

export interface StartOptions {
  /** Beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>
  /** For all its ports to answer; default 10 s. */
  readonly withinMs?: number
}

/** Starts a server and waits until it answers on its ports. */
export async function startProgram(
  command: string,
  args: readonly string[],
  ports: readonly number[],
  { environment = {}, withinMs = 10_000 }: StartOptions = {},
): Promise<Program> {
  const env = { ...process.env, ...environment }
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000)
  })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await new Promise((resolve) => child.once('exit', resolve))
  }
  for (const port of ports) {
    const deadline = Date.now() + withinMs
    while (!(await answers(port))) {
      if (child.exitCode === null && Date.now() < deadline) continue
      await stop()
      throw new Error(`${command} does not answer on port ${port}: ${complaint.trim()}`)
    }
  }
  return { pid: child.pid, stop }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (result: boolean) => {
      socket.destroy()
      setTimeout(() => resolve(result), result ? 0 : 50)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
