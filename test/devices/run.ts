import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startCloudProcess } from '../../bench/cloud-process.ts'
import { LiveService } from '../../tools/device-conformance/service/live-service.ts'
import { type Built, follow } from './audience.ts'
import { buildSdk, NoSdk, sdks } from './sdks.ts'

const usage = `npm run test:devices -- [NAME…] [--port-base N]

Builds the device SDKs (node, python, java, c) and has a device of each, through its conformance driver, follow
a channel that the unmodified node-apn creates, publishes to and deletes: on heliograph serve, and on the embedded
cloud. SDKs that cannot be built here are shown as skipped.

  NAME…          only these SDKs
  --port-base N  ports of the embedded cloud (default 13400)`

interface Options {
  readonly names: readonly string[]
  readonly portBase: number
}

class UsageError extends Error {}

function readOptions(args: string[]): Options | 'help' {
  const { values, positionals: names } = parsed(args)
  if (values.help) return 'help'
  const unknown = names.find((name) => !sdks.some((sdk) => sdk.name === name))
  if (unknown) throw new UsageError(`no SDK is called ${unknown}`)
  const portBase = Number(values['port-base'] ?? 13_400)
  if (!Number.isInteger(portBase) || portBase < 1)
    throw new UsageError(`${values['port-base']} is no port`)
  return { names, portBase }
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { 'port-base': { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

async function buildAll(names: readonly string[], folder: string): Promise<Built[]> {
  const built: Built[] = []
  for (const sdk of sdks.filter(({ name }) => names.length === 0 || names.includes(name)))
    try {
      built.push({ name: sdk.name, command: await buildSdk(sdk, folder) })
    } catch (error) {
      if (!(error instanceof NoSdk)) throw error
      console.log(`SKIPPED: the SDK ${sdk.name}, as ${error.message}`)
    }
  return built
}

type Work = (service: LiveService) => Promise<void>

async function onMachine(work: Work): Promise<void> {
  const service = await LiveService.start()
  await work(service).finally(() => service.close())
}

async function onEmbeddedCloud(portBase: number, work: Work): Promise<void> {
  const { state, stop } = await startCloudProcess(portBase)
  const service = LiveService.of(join(state, 'local.json'))
  await work(service).finally(async () => {
    await service.close()
    await stop()
  })
}

/** Whether it went as it must. */
async function told(place: string, run: (work: Work) => Promise<void>, built: readonly Built[]) {
  const start = Date.now()
  try {
    await run((service) => follow(service, built, (line) => console.log(`${place}: ${line}`)))
    const seconds = ((Date.now() - start) / 1_000).toFixed(0)
    console.log(`${place}: ${built.length} of ${sdks.length} SDKs passed in ${seconds} s`)
    return true
  } catch (error) {
    console.log(`FAILED ${place}: ${(error as Error).message}`)
    return false
  }
}

async function main({ names, portBase }: Options): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-devices-'))
  try {
    const built = await buildAll(names, folder)
    if (built.length === 0) return 0
    const machine = await told('heliograph serve', onMachine, built)
    const cloud = await told('embedded cloud', (work) => onEmbeddedCloud(portBase, work), built)
    return machine && cloud ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else process.exitCode = await main(options)
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : error)
  process.exitCode = 2
}
