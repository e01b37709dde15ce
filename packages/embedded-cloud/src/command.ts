#!/usr/bin/env node
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Cloud, type CloudPorts, CloudStartError, startCloud } from './cloud.ts'
import { LogFile } from './log-file.ts'

const usage = `heliograph-embedded-cloud [--assembly DIR] [--state DIR] [ports]

Runs what cdk synth wrote, on this machine, until Ctrl-C.

  --assembly DIR       the folder that cdk synth wrote (default cdk.out)
  --state DIR          the folder for all state (default .embedded-cloud)
  --endpoint-port N    port of the AWS services
  --api-port N         port of the first HTTP API
  --mutual-tls-port N  port of the first HTTP API that demands client certificates
  --mqtt-port N        port of IoT Core's MQTT
  --schedules          run rules that have a rate(…), the first time when it has passed

A port that is not given is any free one. When everything answers, DIR/cloud.json says how to reach it.`

const ports = {
  'endpoint-port': 'endpoint',
  'api-port': 'api',
  'mutual-tls-port': 'mutualTls',
  'mqtt-port': 'mqtt',
} as const satisfies Record<string, keyof CloudPorts>

type PortOption = keyof typeof ports

interface Options {
  readonly assembly: string
  readonly state: string
  readonly ports: CloudPorts
  readonly schedules: boolean
}

class UsageError extends Error {}

function readOptions(args: string[]): Options | 'help' {
  const values = parse(args)
  if (values.help) return 'help'
  const given = (Object.keys(ports) as PortOption[]).flatMap((option) => {
    const value = values[option]
    return value === undefined ? [] : [[ports[option], portOf(option, value)]]
  })
  return {
    assembly: resolve(values.assembly ?? 'cdk.out'),
    state: resolve(values.state ?? '.embedded-cloud'),
    ports: Object.fromEntries(given),
    schedules: values.schedules ?? false,
  }
}

function parse(args: string[]) {
  const options = {
    assembly: { type: 'string' },
    state: { type: 'string' },
    'endpoint-port': { type: 'string' },
    'api-port': { type: 'string' },
    'mutual-tls-port': { type: 'string' },
    'mqtt-port': { type: 'string' },
    schedules: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const
  try {
    return parseArgs({ args, options }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`)
  }
}

function portOf(option: PortOption, text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new UsageError(`--${option} takes a port number from 1 to 65535`)
}

/** How programs reach the cloud: `cloud.json` in the state folder, as long as it serves. */
function addressesOf(cloud: Cloud) {
  const { endpoint, environment, caFile, apis, mutualTlsApis, mqtt } = cloud
  const outputs = cloud.stackOutputs()
  return { endpoint, environment, ca: caFile, apis, mutualTlsApis, mqtt, outputs }
}

async function serve({ assembly, state, ports, schedules }: Options): Promise<void> {
  const file = join(state, 'cloud.json')
  rmSync(file, { force: true })
  const log = logTo(join(state, 'logs'))
  const tuning = schedules ? { scheduleMinuteMs: 60_000 } : {}
  const cloud = await startCloud({ assembly, state, ports, log, tuning, progress: console.log })
  const addresses = addressesOf(cloud)
  // who waits for this file waits for a cloud that answers, and that ends in order when it is told to
  onStop(async () => {
    rmSync(file, { force: true })
    await cloud.close()
  })
  const draft = `${file}.${process.pid}.tmp`
  writeFileSync(draft, `${JSON.stringify(addresses, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, file)
  console.log(`Serving. ${file} says how to reach it.\n\n${summary(cloud)}\n\nCtrl-C ends it.`)
}

function summary({ apis, mutualTlsApis, mqtt, environment }: Cloud): string {
  return [
    ...apis.map(({ name, url }) => `${name}: ${url}`),
    ...mutualTlsApis.map(({ domain, url }) => `${domain}: ${url} (with client certificates)`),
    `MQTT: ${mqtt.url}`,
    `AWS services: ${Object.entries(environment)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
  ].join('\n')
}

function logTo(folder: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = new LogFile(join(folder, 'cloud.log'), (error) => console.error(error.message))
  return (part: string, line: string) =>
    file.write(`${new Date().toISOString()} ${part}: ${line}\n`)
}

/** The first signal ends the cloud in order, the second at once. */
function onStop(stop: () => Promise<void>): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      stop().then(() => process.exit(0), fail)
    })
}

function fail(error: unknown): never {
  const known = error instanceof CloudStartError || error instanceof UsageError
  console.error(known ? error.message : error)
  process.exit(error instanceof UsageError ? 2 : 1)
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else await serve(options)
} catch (error) {
  fail(error)
}
