import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './process.ts'

export interface PythonTool {
  /** For the sentence when it fails. */
  readonly name: string
  /** The virtual environment; made when it is first needed, and again when the pins change. */
  readonly folder: string
  /** A requirements file in which every package has its hashes: pip installs nothing else. */
  readonly pins: string
  onLine(line: string): void
}

/** Installs a tool from PyPI and returns the folder of its programs. */
export async function installPython({ name, folder, pins, onLine }: PythonTool): Promise<string> {
  const [programs, mark] = [join(folder, 'bin'), join(folder, 'pins.sha256')]
  const wanted = createHash('sha256').update(readFileSync(pins)).digest('hex')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return programs
  rmSync(folder, { recursive: true, force: true })
  const [file, env] = [process.env.PYTHON ?? 'python3', process.env]
  await run('make a Python environment (Python 3.11 or later with venv is needed)', {
    ...{ file, env, onLine },
    args: ['-m', 'venv', folder],
  })
  await run(`install ${name} from PyPI`, {
    file: join(programs, 'pip'),
    args: ['install', '--require-hashes', '--only-binary', ':all:', '--requirement', pins],
    ...{ env, onLine },
  })
  writeFileSync(mark, wanted)
  return programs
}
