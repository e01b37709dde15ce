import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { bundleFunctions, leanClients } from '../bin/bundle.ts'
import type { FunctionName } from '../lib/functions.ts'
import { type Stub, startStub } from './children.ts'
import {
  acceptEvents,
  acceptTemplate,
  deliverEvents,
  functionEnvironment,
  type Kit,
  makeKit,
  payloadOf,
  stubAnswers,
} from './kit.ts'

/** Bundles and events on disk and a stub of AWS beside them, for measuring functions in child processes. */
export interface Workbench {
  readonly kit: Kit
  readonly stub: Stub
  readonly environment: Readonly<Record<string, string>>
  /** Path of a function's bundle, with the lean clients or with those of the SDK. */
  bundle(name: FunctionName, clients: Clients): string
  /** Path of `index.mjs` of a module of the bench, bundled as the functions are. */
  build(name: string): string
  /** Path of a JSON file of events. */
  readonly events: Readonly<Record<'accept' | 'deliver', string>>
  /** The stub ends and the files go. */
  close(): void
}

export type Clients = 'lean' | 'sdk'

/** Without the lean clients, but with the lean credentials: what the SDK costs at its best. */
const onlyCredentials = {
  '@aws-sdk/credential-provider-node': leanClients['@aws-sdk/credential-provider-node'],
}

/** Messages in one batch for deliver, as the event source mapping gives at most. */
export const BATCH = 10

export interface WorkbenchOptions {
  readonly devices?: number
  /** Of the payload. */
  readonly bytes?: number
  /** One event and many paths for accept, and no events for deliver. */
  readonly compact?: boolean
}

export async function openWorkbench(options: WorkbenchOptions = {}): Promise<Workbench> {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-bench-'))
  const kit = await makeKit(options.devices ?? 200)
  const write = (name: string, value: unknown) => {
    writeFileSync(join(folder, name), JSON.stringify(value))
    return join(folder, name)
  }
  const payload = payloadOf(options.bytes ?? 500)
  const stub = await startStub(write('answers.json', stubAnswers(kit)))
  const bundles = {
    lean: bundleFunctions(join(folder, 'lean')),
    sdk: bundleFunctions(join(folder, 'sdk'), onlyCredentials),
  }
  return {
    kit,
    stub,
    environment: functionEnvironment(stub.url),
    bundle: (name, clients) => join(bundles[clients](name), 'index.mjs'),
    build: (name) => buildModule(name, folder),
    events: {
      accept: write(
        'accept.json',
        options.compact ? acceptTemplate(kit, payload) : acceptEvents(kit, payload),
      ),
      deliver: write('deliver.json', options.compact ? [] : deliverEvents(kit, payload, BATCH)),
    },
    close: () => {
      stub.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function buildModule(name: string, folder: string): string {
  const outfile = join(folder, name, 'index.mjs')
  mkdirSync(join(folder, name), { recursive: true })
  buildSync({
    entryPoints: [new URL(`modules/${name}.ts`, import.meta.url).pathname],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  })
  return outfile
}
