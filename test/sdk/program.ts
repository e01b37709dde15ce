import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { LiveService } from '../../tools/device-conformance/service/live-service.ts'
import { until } from '../../tools/device-conformance/until.ts'

/** A program that is a device, at work, and the lines that it has printed. */
export interface Program {
  readonly child: ChildProcess
  readonly lines: string[]
}

export function start(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Program {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: string[] = []
  createInterface({ input: child.stdout as Readable }).on('line', (line) => lines.push(line))
  return { child, lines }
}

/**
 * Its token is sent a notification, which it shows; then it ends well.
 *
 * @param whenTold the exit code after SIGTERM; Java's is always 143, and a program that leaves the signal alone has none.
 */
export async function isServed(
  service: LiveService,
  { child, lines }: Program,
  whenTold: number | null = 0,
): Promise<void> {
  const tokenIn = (line: string) => /[0-9a-f]{64}/.exec(line)?.[0]
  const token = await until(() => lines.map(tokenIn).find(Boolean), 'a token')
  const text = `hello ${Math.random()}`
  await service.send(token, { aps: { alert: text } })
  await until(() => lines.some((line) => line.includes(text)), 'the notification')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const code = await ended
  if (code !== whenTold) throw new Error(`the program ended with ${code}:\n${lines.join('\n')}`)
}
