import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Answer, Command, DriverError, DriverEvent, HandedOver } from './driver-protocol.ts'
import { until } from './until.ts'

export type Named<Name extends DriverEvent['event']> = Extract<DriverEvent, { event: Name }>

/** A command that the SDK refused. */
class Refusal extends Error {
  readonly reason: string

  constructor({ reason, message }: DriverError) {
    super(`${reason}: ${message}`)
    this.reason = reason
  }
}

/** One run of an implementation: a child process, its commands and its events. */
export class Driver {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  readonly #ended: Promise<void>
  #hasEnded = false
  #nextId = 0
  readonly events: DriverEvent[] = []
  /** Channels that it was told to join, whatever became of that. */
  readonly joins = new Set<string>()
  /** Lines of standard output that are not part of the protocol. */
  readonly strays: string[] = []
  stderr = ''

  constructor(command: string, environment: NodeJS.ProcessEnv = process.env) {
    // a group of its own, so that the end of a wrapper is the end of what it wraps
    this.#child = spawn(command, { shell: true, detached: true, env: environment })
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (this.stderr.length < 64_000) this.stderr += text
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#onLine(line))
    this.#ended = new Promise<void>((resolve) => {
      this.#child.once('error', () => resolve())
      this.#child.once('close', () => resolve())
    }).then(() => {
      this.#hasEnded = true
    })
  }

  async ready(): Promise<Named<'ready'>> {
    return this.event('ready', undefined, 120_000)
  }

  /** Runs a command; throws a `Refusal` where the SDK refuses. */
  async do<Ok = Record<string, unknown>>(command: Command): Promise<Ok> {
    const answer = await this.ask(command)
    if ('error' in answer) throw new Refusal(answer.error)
    return answer.ok as Ok
  }

  /** The error that the SDK answers with; throws if it does not refuse. */
  async refusal(command: Command): Promise<DriverError> {
    const answer = await this.ask(command)
    if ('error' in answer) return answer.error
    throw new Error(`${command.do} succeeded: ${JSON.stringify(answer.ok)}`)
  }

  /** The answer to a command, whichever it is. */
  async ask(command: Command): Promise<Answer> {
    const id = ++this.#nextId
    if (command.do === 'join') this.joins.add(command.channel)
    let answer: Answer | undefined
    this.#waiting.set(id, (one) => {
      answer = one
    })
    this.#child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
    return until(() => answer ?? this.#mustRun(), `an answer to ${command.do}`, 90_000)
  }

  all<Name extends DriverEvent['event']>(name: Name): Named<Name>[] {
    return this.events.filter((one): one is Named<Name> => one.event === name)
  }

  /** The first such event, even if it came earlier. */
  event<Name extends DriverEvent['event']>(
    name: Name,
    matches: (event: Named<Name>) => boolean = () => true,
    limitMs?: number,
  ): Promise<Named<Name>> {
    const found = () => this.all(name).find(matches) ?? this.#mustRun()
    return until(found, `an event "${name}"`, limitMs)
  }

  /** What the handler was given, in order. */
  get handedOver(): HandedOver[] {
    return this.all('notification').map(({ notification }) => notification)
  }

  timesHanded(id: string): number {
    return this.handedOver.filter((one) => one.id === id).length
  }

  handled(id: string): Promise<unknown> {
    return this.event('handled', (one) => one.id === id)
  }

  /** SIGKILL, to it and all that it started. */
  async kill(): Promise<void> {
    if (!this.#hasEnded && this.#child.pid) killGroup(this.#child.pid)
    await this.#ended
  }

  /** No write of any of its processes succeeds from now on, or all can again. Linux, `prlimit`. */
  limitFiles(full: boolean): void {
    for (const pid of familyOf(this.#child.pid ?? 0))
      execFileSync('prlimit', ['--pid', String(pid), `--fsize=${full ? '0' : 'unlimited'}:`])
  }

  #mustRun(): undefined {
    if (this.#hasEnded) throw new Error(`the driver has ended\n${this.stderr}`)
  }

  #onLine(line: string): void {
    const message = parse(line)
    if (message === undefined) this.strays.push(line)
    else if ('event' in message) this.events.push(message)
    else this.#waiting.get(message.id)?.(message)
  }
}

function parse(line: string): Answer | DriverEvent | undefined {
  try {
    const message = JSON.parse(line) as Answer | DriverEvent
    return 'event' in message || 'id' in message ? message : undefined
  } catch {
    return undefined
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // it has gone by itself
  }
}

/** A process and all below it, on Linux. */
function familyOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one)))
    parents.set(Number(name), parentOf(name))
  const isBelow = (pid: number): boolean =>
    pid === root || (parents.has(pid) && isBelow(parents.get(pid) ?? 0))
  return [...parents.keys()].filter(isBelow)
}

function parentOf(pid: string): number {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
