import type { Session } from '../session.ts'
import type { Tally } from './tally.ts'
import { type Picture, pictureText } from './text.ts'

/** Between two pictures on a screen, and between two lines elsewhere; milliseconds. */
const EVERY_MS = { screen: 500, lines: 10_000 }

/** Shows how a fleet is: on a screen in one place, elsewhere as lines on standard error, for scripts as JSON. */
export class Watch {
  readonly #session: Pick<Session, 'terminal' | 'json'>
  readonly #tally: Tally
  readonly #every: number
  readonly #timer: NodeJS.Timeout
  #phase: Pick<Picture, 'phase' | 'ofMs'> = { phase: 'starting' }
  #since = Date.now()
  #before = 0

  constructor(session: Pick<Session, 'terminal' | 'json'>, tally: Tally) {
    this.#session = session
    this.#tally = tally
    this.#every = session.terminal.show && !session.json ? EVERY_MS.screen : EVERY_MS.lines
    this.#timer = setInterval(() => this.#say(), this.#every)
  }

  /** @param ofMs how long the fleet is to run, if that is known. */
  running(ofMs: number | undefined): void {
    this.#phase = { phase: 'running', ...(ofMs !== undefined && { ofMs }) }
    this.#since = Date.now()
    this.#before = this.#tally.standing().received
  }

  /** Milliseconds in this phase. */
  get forMs(): number {
    return Date.now() - this.#since
  }

  end(): void {
    clearInterval(this.#timer)
    this.#session.terminal.show?.('')
  }

  #say(): void {
    const { terminal, json } = this.#session
    const standing = this.#tally.standing()
    const now = this.#phase.phase === 'starting' ? standing.ready : standing.received
    const perSecond = ((now - this.#before) * 1_000) / this.#every
    this.#before = now
    const picture: Picture = { ...standing, ...this.#phase, forMs: this.forMs, perSecond }
    if (json) terminal.note(JSON.stringify({ at: Date.now(), ...picture }))
    else if (terminal.show) terminal.show(pictureText(picture))
    else terminal.note(pictureText(picture))
  }
}
