import { execFileSync, spawnSync } from 'node:child_process'

/** Whether this machine has a program of that name, one that knows `--version`. */
export function hasTool(name: string): boolean {
  return spawnSync(name, ['--version']).status === 0
}

export function runTool(name: string, ...args: string[]): void {
  execFileSync(name, args)
}
