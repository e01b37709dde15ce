import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = (name: string) => fileURLToPath(new URL(`child/${name}.mjs`, import.meta.url))

/** Runs a script of `bench/child` to its end and returns the one message that it sends. */
export function runChild<T>(
  name: 'measure-calls' | 'measure-start',
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  // what a function prints is paid for and thrown away
  const child = fork(script(name), args, { env, execArgv: [], stdio: childStdio })
  return new Promise((resolve, reject) => {
    let message: T | undefined
    child.once('message', (value) => {
      message = value as T
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      if (message !== undefined) resolve(message)
      else reject(new Error(`bench/child/${name}.mjs ended with ${code} and no result`))
    })
  })
}

const childStdio: ('ignore' | 'inherit' | 'ipc')[] = ['ignore', 'ignore', 'inherit', 'ipc']

export interface Stub {
  readonly url: string
  /** How often each action was asked for. */
  calls(): Promise<Readonly<Record<string, number>>>
  close(): void
}

/** Starts the stub of all AWS services with the answers in a JSON file. */
export async function startStub(answersFile: string): Promise<Stub> {
  const child = fork(script('stub'), [answersFile], { execArgv: [], stdio: childStdio })
  const { port } = await nextMessage<{ port: number }>(child)
  return {
    url: `http://127.0.0.1:${port}`,
    async calls() {
      child.send('calls')
      return (await nextMessage<{ calls: Record<string, number> }>(child)).calls
    },
    close: () => child.disconnect(),
  }
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (value) => resolve(value as T))
    child.once('error', reject)
  })
}
