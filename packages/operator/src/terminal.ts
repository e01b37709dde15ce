import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** Where a command's words go and come from; tests have one of their own. */
export interface Terminal {
  /** A line of the result, on standard output. */
  print(line: string): void
  /** A line in addition to the result, on standard error. */
  note(line: string): void
  readonly environment: Readonly<Record<string, string | undefined>>
  /** True if a person can be asked. */
  readonly interactive: boolean
  /** Asks for a secret, which is not shown. */
  askSecret(question: string): Promise<string>
  /** All of standard input. */
  readInput(): Promise<string>
  /** Standard input piece by piece, because it may be long. */
  readonly input: AsyncIterable<Uint8Array>
  /** Shows a line in place of the last one shown; undefined if nobody looks at a screen. */
  readonly show?: ((line: string) => void) | undefined
  /** Columns of the screen; undefined if nobody looks at one. */
  readonly width: number | undefined
  /** Fires when the user wants the command to end (Ctrl-C). */
  readonly stop: AbortSignal
}

/**
 * Text of others as a terminal may show it: controls (a terminal takes orders from them), newlines (which
 * forge lines), directions and invisible characters (which make one text look like another) in the
 * form `\\u009b`, which JSON reads as the same character.
 */
export function visible(text: string): string {
  return text.replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => unitText(character.charCodeAt(at))).join(
      '',
    ),
  )
}

function unitText(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** A terminal to which nothing is said unescaped, whatever a command passes on. */
export function guarded(terminal: Terminal): Terminal {
  const { show } = terminal
  return {
    ...terminal,
    show: show && ((line) => show(visible(line))),
    input: terminal.input,
    print: (line) => terminal.print(visible(line)),
    note: (line) => terminal.note(visible(line)),
    askSecret: (question) => terminal.askSecret(visible(question)),
    readInput: () => terminal.readInput(),
    stop: terminal.stop,
  }
}

/** Prints text of several lines, in which text from others is already `visible`. */
export function eachLine(text: string, print: (line: string) => void): void {
  for (const line of text.split('\n')) print(line)
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process
  endWithReader(stdout)
  return {
    print: (line) => stdout.write(`${line}\n`),
    note: (line) => stderr.write(`${line}\n`),
    environment: process.env,
    interactive: stdin.isTTY === true && stderr.isTTY === true,
    askSecret,
    input: stdin,
    // back to the first column, clearing the line (ECMA-48: EL)
    ...(stderr.isTTY && { show: (line) => stderr.write(`\r\u001b[K${line}`) }),
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

/**
 * The reader of the output may stop early (`heliograph provider list | head`), which is not a
 * failure.
 */
function endWithReader(stdout: NodeJS.WriteStream): void {
  stdout.on('error', (fault: NodeJS.ErrnoException) => {
    if (fault.code !== 'EPIPE') throw fault
    process.exit(0)
  })
}
