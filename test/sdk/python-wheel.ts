import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The Python SDK's sources. */
export const pythonProject = fileURLToPath(new URL('../../clients/python', import.meta.url))

const python = process.env.PYTHON ?? 'python3'

/** Why a wheel cannot be built and installed here; undefined where it can. */
export function wheelHindrance(folder: string): string | undefined {
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

/** After that, an environment with the wheel in it, and nothing of this repository; returns its Python. */
export function installWheel(folder: string): string {
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet']
  const builder = join(folder, 'probe/bin/python')
  run(builder, ...pip, 'build')
  run(builder, '-m', 'build', '--outdir', join(folder, 'dist'), pythonProject)
  const wheel = readdirSync(join(folder, 'dist')).find((name) => name.endsWith('.whl')) ?? ''
  run(python, '-m', 'venv', join(folder, 'empty'))
  const own = join(folder, 'empty/bin/python')
  run(own, ...pip, join(folder, 'dist', wheel))
  return own
}
