/**
 * Builds the wheel of clients/python, installs it in an empty environment, runs the programs of its
 * README and its example against `heliograph serve`, and puts it under the device conformance suite.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LiveService } from '../../tools/device-conformance/service/live-service.ts'
import { isServed, start } from '../sdk/program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const project = join(root, 'clients/python')
const programs = join(root, 'test/python')

/** Of the form with threads, what the two forms do not have in common. */
const callbackCases =
  'A1,A2,C3,C11,C12,R1,R2,R4,R12,N2,N3,N4,N6,N7,N16,N17,N22,J2,J4,J8,J11,J20,W2,L1,L6'

/** Why a wheel cannot be built and installed here; undefined where it can. */
function hindrance(python: string, folder: string): string | undefined {
  const isNew = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'
  if (spawnSync(python, ['-c', isNew]).status !== 0)
    return `there is no Python 3.10 or later with venv (${python})`
  if (spawnSync(python, ['-m', 'venv', join(folder, 'probe')]).status !== 0)
    return `${python} cannot make a virtual environment`
  const pip = ['-m', 'pip', '--disable-pip-version-check', '--timeout', '15', '--retries', '1']
  const wheels = ['--only-binary', ':all:', '--dest', join(folder, 'wheels'), '--quiet']
  const packages = ['paho-mqtt>=2.1,<3', 'cryptography>=41', 'hatchling>=1.24,<2', 'build']
  const { status } = spawnSync(join(folder, 'probe/bin/python'), [
    ...[...pip, 'download', ...wheels, ...packages],
  ])
  return status === 0 ? undefined : 'pip cannot download what it depends on'
}

/** An environment with the wheel in it, and nothing of this repository; returns its Python. */
function installed(python: string, folder: string): string {
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet']
  const builder = join(folder, 'probe/bin/python')
  run(builder, ...pip, 'build')
  run(builder, '-m', 'build', '--outdir', join(folder, 'dist'), project)
  const wheel = readdirSync(join(folder, 'dist')).find((name) => name.endsWith('.whl')) ?? ''
  run(python, '-m', 'venv', join(folder, 'empty'))
  const own = join(folder, 'empty/bin/python')
  run(own, ...pip, join(folder, 'dist', wheel))
  return own
}

async function runPrograms(python: string, folder: string): Promise<void> {
  const service = await LiveService.start()
  try {
    const { local } = service
    const { url, code, ca } = local.activation
    const place = { cwd: folder, env: { ...process.env, SSL_CERT_FILE: ca } }
    for (const block of ['0', '1']) {
      const args = [join(programs, 'readme.py'), block, url, code, join(folder, `readme${block}`)]
      await isServed(service, start(python, args, place))
      console.log(`program ${Number(block) + 1} of the README: activated, registered, notified`)
    }
    const kiosk = [join(project, 'examples/kiosk.py'), service.topic, join(folder, 'kiosk')]
    await isServed(service, start(python, [...kiosk, service.file], place))
    console.log('examples/kiosk.py: activated, registered, notified')
  } finally {
    await service.close()
  }
}

/** The suite over the installed wheel; returns whether all passed. */
function conforms(python: string, form: string, args: readonly string[]): boolean {
  const driver = join(project, 'conformance/driver.py')
  const command = `exec "${python}" "${driver}" ${form}`
  const suite = ['tools/device-conformance/main.ts', '--command', command, ...args]
  const options = { cwd: root, stdio: 'inherit' } as const
  console.log(`the rules for devices, ${form} form`)
  const tsx = join(root, 'node_modules/.bin/tsx')
  return spawnSync(tsx, ['--conditions=heliograph', ...suite], options).status === 0
}

const folder = mkdtempSync(join(tmpdir(), 'heliograph-python-'))
try {
  const python = process.env.PYTHON ?? 'python3'
  const skipped = hindrance(python, folder)
  if (skipped) console.log(`SKIPPED: npm run test:python, as ${skipped}`)
  else {
    const own = installed(python, folder)
    await runPrograms(own, folder)
    const args = process.argv.slice(2)
    const all = [
      conforms(own, 'asyncio', args),
      conforms(own, 'callback', [...args, '--only', callbackCases]),
    ]
    if (all.includes(false)) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
