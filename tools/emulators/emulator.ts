import type { Log } from '../../packages/embedded-cloud/src/types.ts'

/** An emulator of AWS at work. */
export interface Emulator {
  /** For a human reader, with its version. */
  readonly name: string
  /** `http://127.0.0.1:4566`. */
  readonly url: string
  /** Started for this run, so that nothing is in it. */
  readonly fresh: boolean
  /** What it said last, newest at the end. */
  lastLines(): readonly string[]
  /** Resolves, with the reason, when it ends or no longer answers without having been asked to. */
  readonly death: Promise<string>
  /** Ends it where it was started here; one that was found is left as it is. */
  stop(): Promise<void>
}

/** What an emulator is started with. */
export interface EmulatorOptions {
  readonly port: number
  /** The folder for all that the target keeps, `.heliograph/localstack`. */
  readonly folder: string
  readonly log: Log
}

/** The target cannot run; the message is one sentence for the developer. */
export class TargetError extends Error {}

/** Kept for the report when the emulator dies. */
const keptLines = 40

/** The last lines of an output that comes in pieces. */
export class LastLines {
  readonly #lines: string[] = []
  #rest = ''

  add(text: string): string[] {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    this.#lines.push(...lines)
    this.#lines.splice(0, this.#lines.length - keptLines)
    return lines
  }

  get all(): readonly string[] {
    return this.#rest === '' ? this.#lines : [...this.#lines, this.#rest]
  }
}
