import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** Where a command's words go and come from; tests have one of their own. */
export interface Terminal {
  /** A line of the result, on standard output. */
  print(line: string): void
  /** A line beside the result, on standard error. */
  note(line: string): void
  readonly environment: Readonly<Record<string, string | undefined>>
  /** True where a person can be asked. */
  readonly interactive: boolean
  /** Asks for a secret, which is not shown. */
  askSecret(question: string): Promise<string>
  /** All of standard input. */
  readInput(): Promise<string>
  /** Columns of the screen; undefined where nobody looks at one. */
  readonly width: number | undefined
  /** Fires when the user wants the command to end (Ctrl-C). */
  readonly stop: AbortSignal
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process
  return {
    print: (line) => stdout.write(`${line}\n`),
    note: (line) => stderr.write(`${line}\n`),
    environment: process.env,
    interactive: stdin.isTTY === true && stderr.isTTY === true,
    askSecret,
    readInput: async () => {
      const parts: Buffer[] = []
      for await (const part of stdin) parts.push(Buffer.from(part))
      return Buffer.concat(parts).toString('utf8')
    },
    width: stdout.isTTY ? stdout.columns : undefined,
    stop: stopSignal(),
  }
}

/** The first Ctrl-C asks the command to end, the second ends the process. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => controller.abort())
  return controller.signal
}

function askSecret(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true })
  process.stderr.write(question)
  return new Promise((resolve) => {
    lines.once('SIGINT', () => process.exit(130))
    lines.question('', (answer) => {
      lines.close()
      process.stderr.write('\n')
      resolve(answer)
    })
  })
}
