import { appendFileSync, createWriteStream, type WriteStream } from 'node:fs'

/** Milliseconds that text waits for more to come: a busy log is then not one write per line. */
const gatherMs = 50

/** A file that text is appended to, off the caller's way. */
export class LogFile {
  readonly #path: string
  readonly #stream: WriteStream
  #waiting = ''
  #timer: NodeJS.Timeout | undefined
  readonly #saveRest = () => appendFileSync(this.#path, this.#waiting)

  /** `onFault` is told why the file cannot be written. */
  constructor(path: string, onFault: (error: Error) => void) {
    this.#path = path
    this.#stream = createWriteStream(path, { flags: 'a' })
    this.#stream.on('error', onFault)
  }

  write(text: string): void {
    if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#flush(), gatherMs)
      // a process that ends in between has most likely failed for the reason in the log
      process.once('exit', this.#saveRest)
    }
    this.#waiting += text
  }

  /** Writes what is left; settles when it is in the file. */
  close(): Promise<void> {
    this.#flush()
    return new Promise((resolve) => {
      this.#stream.once('close', () => resolve())
      this.#stream.end()
    })
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    process.off('exit', this.#saveRest)
    if (this.#waiting) this.#stream.write(this.#waiting)
    this.#waiting = ''
  }
}
