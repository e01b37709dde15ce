import { spawnSync } from 'node:child_process'
import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { SigningKey } from '@heliograph/core/ports'
import { issueAuthority } from '@heliograph/core/trust/certificate'
import { main } from '../src/main.ts'
import type { Terminal } from '../src/terminal.ts'

export const DAY_MS = 24 * 3600_000

/** A folder that is removed when the file's tests have run: pass it to `afterAll`. */
export function scratchFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'heliograph-cli-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export interface TestAuthority {
  readonly certificate: string
  readonly key: SigningKey
  readonly privateKey: KeyObject
}

/** A provider CA whose key is in this process. */
export async function testAuthority(
  validity = {
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 7300 * DAY_MS),
  },
): Promise<TestAuthority> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key: SigningKey = {
    algorithm: 'RSA-2048',
    sign: async (message) => new Uint8Array(createSign('sha256').update(message).sign(privateKey)),
  }
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const name = 'Heliograph test provider CA'
  const certificate = await issueAuthority(name, spki, validity, randomBytes(16), key)
  return { certificate, key, privateKey }
}

/** What a tool of the machine says; undefined where there is no such tool. */
export function tool(
  command: string,
  args: readonly string[],
): { readonly ok: boolean; readonly output: string } | undefined {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error) return undefined
  return { ok: status === 0, output: `${stdout}${stderr}` }
}

export const hasTool = (command: string, args: readonly string[]): boolean =>
  tool(command, args)?.ok === true

/** A terminal without a person, which keeps what is printed. */
export class TestTerminal implements Terminal {
  readonly printed: string[] = []
  readonly notes: string[] = []
  readonly questions: string[] = []
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly interactive: boolean
  readonly width = undefined
  readonly #stop = new AbortController()
  readonly #answers: string[]
  /** What comes by standard input. */
  typed = ''

  constructor(
    options: {
      readonly environment?: Readonly<Record<string, string>>
      /** What a person answers, one after the other; with any there is a person. */
      readonly answers?: readonly string[]
    } = {},
  ) {
    this.environment = options.environment ?? {}
    this.#answers = [...(options.answers ?? [])]
    this.interactive = options.answers !== undefined
  }

  get stop(): AbortSignal {
    return this.#stop.signal
  }

  interrupt(): void {
    this.#stop.abort()
  }

  print(line: string): void {
    this.printed.push(line)
  }

  note(line: string): void {
    this.notes.push(line)
  }

  async askSecret(question: string): Promise<string> {
    this.questions.push(question)
    return this.#answers.shift() ?? ''
  }

  get input(): AsyncIterable<Uint8Array> {
    return Readable.from([Buffer.from(this.typed)])
  }

  async readInput(): Promise<string> {
    return this.typed
  }
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line in this process. */
export async function run(argv: readonly string[], terminal = new TestTerminal()): Promise<Ran> {
  const code = await main(argv, terminal)
  return { code, out: terminal.printed.join('\n'), err: terminal.notes.join('\n') }
}
