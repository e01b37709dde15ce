import { execFileSync } from 'node:child_process'
import { Skip } from '../case.ts'
import type { Runs } from '../world.ts'

export function needPrlimit(): void {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' })
  } catch {
    throw new Skip('there is no prlimit, which lets writes fail')
  }
}

/** Known once a driver has been started. */
export function needChannels({ runs }: { readonly runs: Runs }): void {
  if (runs.lacks.includes('channels')) throw new Skip('the implementation has no channels')
}
