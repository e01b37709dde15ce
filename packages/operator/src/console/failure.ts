import type { Failure } from '../failure.ts'
import { failureOf } from '../fault.ts'
import type { ApiError, ErrorKind } from './api.ts'

/** Ends a request of the page with one sentence that says what to do. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly kind: ErrorKind

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

export const statusOf: Readonly<Record<ErrorKind, number>> = {
  usage: 400,
  confirm: 400,
  session: 401,
  forbidden: 403,
  notFound: 404,
  method: 405,
  refused: 409,
  tooLarge: 413,
  mediaType: 415,
  busy: 429,
  failed: 500,
  unreachable: 502,
  timeout: 504,
}

const kinds: Readonly<Record<Failure['kind'], ErrorKind>> = {
  ok: 'failed',
  failed: 'failed',
  usage: 'usage',
  notFound: 'notFound',
  refused: 'refused',
  unreachable: 'unreachable',
  interrupted: 'failed',
}

/** Any thrown value in the words of the API. */
export function apiErrorOf(thrown: unknown): ApiError {
  if (thrown instanceof ApiFailure) return { kind: thrown.kind, message: thrown.message }
  const failure = failureOf(thrown)
  if (failure) return { kind: kinds[failure.kind], message: failure.message }
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  return { kind: 'failed', message: `unexpected failure, ${text}` }
}

/** The work's result, or a failure after so many seconds; the work itself cannot be called back. */
export async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(timeout(seconds)), seconds * 1_000)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function timeout(seconds: number): ApiFailure {
  return new ApiFailure(
    'timeout',
    `the deployment did not answer within ${seconds} s; what had begun may still be done, so look again before you repeat it`,
  )
}
