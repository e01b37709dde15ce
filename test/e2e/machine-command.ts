import { join } from 'node:path'
import { run } from '../../packages/operator/test/support.ts'

/** The command of an operator on the machine whose state is in `state` below a folder. */
export function machineCommand(folder: string) {
  const onMachine = (...argv: string[]) =>
    run(['--target', 'machine', '--state', join(folder, 'state'), ...argv])
  return {
    onMachine,
    /** What it prints as JSON. */
    async json<T>(...argv: string[]): Promise<T> {
      const { code, out, err } = await onMachine(...argv, '--json')
      if (code !== 0) throw new Error(`heliograph ${argv.join(' ')} ended with ${code}: ${err}`)
      return JSON.parse(out) as T
    },
  }
}
