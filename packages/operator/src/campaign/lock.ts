import { readFile, rm, writeFile } from 'node:fs/promises'
import { Failure } from '../failure.ts'

/** Keeps other processes away from a file until the returned function is called; a process that died keeps nobody away. */
export async function lockFile(path: string): Promise<() => Promise<void>> {
  const lock = `${path}.lock`
  if (!(await create(lock))) {
    const pid = await holderOf(lock)
    if (pid !== undefined && isAlive(pid))
      throw new Failure(
        'refused',
        `process ${pid} is using ${path}: wait for it to end (if that process is another program by now, remove ${lock})`,
      )
    await rm(lock, { force: true })
    if (!(await create(lock)))
      throw new Failure('refused', `another process is using ${path}: wait for it to end`)
  }
  return () => rm(lock, { force: true })
}

async function create(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, `${process.pid}\n`, { flag: 'wx', mode: 0o600 })
    return true
  } catch (fault) {
    if ((fault as { readonly code?: unknown }).code === 'EEXIST') return false
    throw fault
  }
}

async function holderOf(lock: string): Promise<number | undefined> {
  const pid = Number(await readFile(lock, 'utf8').catch(() => ''))
  return Number.isInteger(pid) && pid > 0 ? pid : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (fault) {
    // of another user
    return (fault as { readonly code?: unknown }).code === 'EPERM'
  }
}
