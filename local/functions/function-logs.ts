import {
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  statSync,
  type WriteStream,
} from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../types.ts'

/** A log file above this size (bytes) is set aside as `<name>.log.1` when the cloud starts. */
const largest = 10_000_000

/** What functions print: into `<folder>/<function>.log` and, line by line, to the log callback. */
export class FunctionLogs {
  readonly #folder: string
  readonly #log: Log
  readonly #files = new Map<string, WriteStream>()
  readonly #partial = new Map<string, string>()

  constructor(folder: string, log: Log) {
    this.#folder = folder
    this.#log = log
    mkdirSync(folder, { recursive: true })
  }

  /** Takes text as it was written, in whole or part lines. */
  write(name: string, text: string): void {
    this.#file(name).write(text)
    const lines = ((this.#partial.get(name) ?? '') + text).split('\n')
    this.#partial.set(name, lines.pop() ?? '')
    for (const line of lines) this.#log(name, line)
  }

  async close(): Promise<void> {
    for (const [name, rest] of this.#partial) if (rest) this.#log(name, rest)
    await Promise.all([...this.#files.values()].map((file) => ended(file)))
    this.#files.clear()
  }

  #file(name: string): WriteStream {
    const open = this.#files.get(name)
    if (open) return open
    const path = join(this.#folder, `${name}.log`)
    if (existsSync(path) && statSync(path).size > largest) renameSync(path, `${path}.1`)
    const file = createWriteStream(path, { flags: 'a' })
    file.on('error', (error) => this.#log('functions', `cannot write ${path}: ${error.message}`))
    this.#files.set(name, file)
    return file
  }
}

function ended(file: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    file.once('close', resolve)
    file.end()
  })
}
