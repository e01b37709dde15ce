import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LogFile } from '../log-file.ts'
import type { Log } from '../types.ts'

/** A log file above this size (bytes) is set aside as `<name>.log.1` when the cloud starts. */
const largest = 10_000_000

/** What functions print: into `<folder>/<function>.log` and, line by line, to the log callback. */
export class FunctionLogs {
  readonly #folder: string
  readonly #log: Log
  readonly #files = new Map<string, LogFile>()
  readonly #partial = new Map<string, string>()

  constructor(folder: string, log: Log) {
    this.#folder = folder
    this.#log = log
    mkdirSync(folder, { recursive: true })
  }

  /** Takes text as it was written, in complete or partial lines. */
  write(name: string, text: string): void {
    this.#file(name).write(text)
    const lines = ((this.#partial.get(name) ?? '') + text).split('\n')
    this.#partial.set(name, lines.pop() ?? '')
    for (const line of lines) this.#log(name, line)
  }

  /** Deletes the log of a function, with the part that was set aside. */
  async remove(name: string): Promise<void> {
    await this.#files.get(name)?.close()
    this.#files.delete(name)
    this.#partial.delete(name)
    const path = join(this.#folder, `${name}.log`)
    for (const file of [path, `${path}.1`]) rmSync(file, { force: true })
  }

  async close(): Promise<void> {
    for (const [name, rest] of this.#partial) if (rest) this.#log(name, rest)
    await Promise.all([...this.#files.values()].map((file) => file.close()))
    this.#files.clear()
  }

  #file(name: string): LogFile {
    const open = this.#files.get(name)
    if (open) return open
    const path = join(this.#folder, `${name}.log`)
    if (existsSync(path) && statSync(path).size > largest) renameSync(path, `${path}.1`)
    const file = new LogFile(path, (error) =>
      this.#log('functions', `cannot write ${path}: ${error.message}`),
    )
    this.#files.set(name, file)
    return file
  }
}
