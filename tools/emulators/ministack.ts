import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Emulator, EmulatorOptions } from './emulator.ts'
import { launch } from './launch.ts'
import { installPython } from './python.ts'

/** Every package with its hashes: pip installs nothing else. */
const pins = fileURLToPath(new URL('./ministack.txt', import.meta.url))

/** Starts MiniStack from PyPI, in a virtual environment that is made when it is first needed. */
export async function startMinistack(options: EmulatorOptions): Promise<Emulator> {
  const { port, folder, log } = options
  const programs = await installPython({
    name: 'MiniStack',
    folder: join(folder, 'ministack'),
    pins,
    onLine: (line) => log('pip', line),
  })
  const program = join(programs, 'ministack')
  const files = join(folder, 'functions')
  rmSync(files, { recursive: true, force: true })
  mkdirSync(files, { recursive: true })
  // MiniStack's runner is a CommonJS file, which the project's own package.json would make a module
  writeFileSync(join(files, 'package.json'), '{"type":"commonjs"}')
  return launch({
    name: `MiniStack ${ministackVersion()}`,
    url: `http://127.0.0.1:${port}`,
    withinMs: 30_000,
    failure: `MiniStack does not start on port ${port}: see its last lines, or choose another port with --port`,
    command: {
      file: program,
      args: [],
      env: environment(port, files),
      cwd: folder,
      onLine: (line) => log('ministack', line),
    },
  })
}

/**
 * MiniStack hands its environment on to every function, so it gets this machine's search path and nothing
 * else of the developer's, least of all AWS credentials.
 */
function environment(port: number, files: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: files,
    TMPDIR: files,
    TZ: 'UTC',
    GATEWAY_PORT: String(port),
    BIND_HOST: '127.0.0.1',
    // its own MQTT listener would listen on every interface; local/iot is there instead
    IOT_MTLS_ENABLED: '0',
    MINISTACK_REGION: 'us-east-1',
    // the machine may run an older Node.js than the functions' runtime
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
}

/** The version that is pinned. */
export function ministackVersion(): string {
  return /^ministack==(\S+)/m.exec(readFileSync(pins, 'utf8'))?.[1] ?? ''
}
