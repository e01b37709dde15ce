import type { HeliographDeviceError } from '@heliograph/device'
import { Failure } from '../failure.ts'

/** What to do after an activation has failed: all wait and this one is tried again, or the fleet ends. */
export type Verdict =
  | { readonly do: 'again'; readonly why: string; readonly isThrottled: boolean }
  | { readonly do: 'end'; readonly failure: Failure }

/** As Node names them: the certificate of the other side is not what the CA and the address say. */
const BAD_CERTIFICATE =
  /self.signed certificate|unable to (verify|get)|certificate has expired|altnames|ERR_TLS|CERT_|PEM|asn1/i

/** @param fault what the SDK threw. */
export function judgeActivation(fault: unknown): Verdict {
  const { reason, status, message, cause } = asDeviceError(fault)
  if (status === 429) return { do: 'again', why: 'activation is throttled', isThrottled: true }
  if (status !== undefined && status >= 500) return unanswered(`HTTP ${status}`)
  if (reason !== 'ActivationUnreachable') return end('refused', message, fault)
  const why = cause instanceof Error ? cause.message : message
  if (BAD_CERTIFICATE.test(why))
    return end(
      'refused',
      `the activation endpoint shows a certificate that the CA does not fit (${why}): check --ca, or --target and --state`,
      fault,
    )
  return unanswered(why)
}

function unanswered(why: string): Verdict {
  return { do: 'again', why: `activation does not answer (${why})`, isThrottled: false }
}

function end(kind: 'refused', message: string, cause: unknown): Verdict {
  return { do: 'end', failure: new Failure(kind, message, { cause }) }
}

function asDeviceError(fault: unknown): Partial<HeliographDeviceError> & Error {
  return fault instanceof Error ? fault : new Error(String(fault))
}

/** When the next one may begin, so that no more than a number begin in a second. */
export class Rate {
  readonly #everyMs: number
  #next = Number.NEGATIVE_INFINITY

  constructor(perSecond: number) {
    this.#everyMs = 1_000 / perSecond
  }

  /** Takes the next turn, and returns how many milliseconds it is away. */
  take(now: number): number {
    const at = Math.max(now, this.#next)
    this.#next = at + this.#everyMs
    return at - now
  }
}
