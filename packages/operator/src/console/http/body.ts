import type { IncomingMessage } from 'node:http'
import { ApiFailure } from '../failure.ts'
import { MAX_BODY_BYTES, MOST_READ_BYTES } from '../limits.ts'

/** The JSON object that a request carries. */
export type Body = Readonly<Record<string, unknown>>

/** @throws ApiFailure where it is too large, or not an object in JSON. */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const text = await textOf(request)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ApiFailure('usage', 'the body is not JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new ApiFailure('usage', 'the body is not a JSON object')
}

/**
 * All of the body, where it is not too large. One that is a little too large is read to its end and not kept, because who is
 * cut off while writing does not hear the answer.
 */
function textOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= MAX_BODY_BYTES) chunks.push(chunk)
      if (length > MOST_READ_BYTES) reject(tooLarge())
    })
    request.once('error', reject)
    request.once('end', () => {
      if (length > MAX_BODY_BYTES) reject(tooLarge())
      else resolve(Buffer.concat(chunks).toString('utf8'))
    })
  })
}

const tooLarge = () =>
  new ApiFailure('tooLarge', `the body has more than ${MAX_BODY_BYTES / 1024} KiB`)

/** A text that must be there. */
export function text(body: Body, name: string): string {
  const value = optionalText(body, name)
  if (value === undefined) throw new ApiFailure('usage', `${name} is missing`)
  return value
}

export function optionalText(body: Body, name: string): string | undefined {
  const value = body[name]
  if (value === undefined || typeof value === 'string') return value
  throw new ApiFailure('usage', `${name} must be text`)
}

export function texts(body: Body, name: string): string[] {
  const value = body[name]
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
  throw new ApiFailure('usage', `${name} must be a list of texts`)
}

export function flag(body: Body, name: string): boolean {
  const value = body[name]
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw new ApiFailure('usage', `${name} must be true or false`)
}

export interface Bounds {
  readonly least: number
  readonly most: number
}

/** A whole number within bounds; of a query, where it is text, too. */
export function optionalWhole(
  value: unknown,
  name: string,
  { least, most }: Bounds,
): number | undefined {
  if (value === undefined || value === null) return undefined
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most)
    return number
  throw new ApiFailure('usage', `${name} must be a whole number from ${least} to ${most}`)
}

/** A dangerous act is done only where its name was typed: the page asks for it, and the server is who checks. */
export function demandConfirmed(body: Body, name: string): void {
  if (body.confirm === name) return
  throw new ApiFailure('confirm', `type ${name} to confirm`)
}
