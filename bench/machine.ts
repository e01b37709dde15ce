import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os'

/** Where figures were measured: they compare only within one of these. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGigabytes: number
  readonly system: string
  readonly node: string
  /** Mean number of running threads over the last minute: the other load on the machine. */
  readonly load: number
  readonly versions: Readonly<Record<string, string>>
}

/** Parts whose version shows in the figures. */
const parts = [
  '@aws-sdk/client-dynamodb',
  '@aws-sdk/client-iot-data-plane',
  '@aws-sdk/client-sqs',
  'aedes',
  'dynalite',
  'esbuild',
  'mqtt',
]

export function machine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    load: Number(loadavg()[0]?.toFixed(1)),
    versions: Object.fromEntries(parts.map((part) => [part, versionOf(part)])),
  }
}

function versionOf(part: string): string {
  const manifest = new URL(`../node_modules/${part}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
