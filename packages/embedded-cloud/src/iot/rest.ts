import { randomUUID } from 'node:crypto'
import { AwsError, answer, notAuthorized } from '../answer.ts'
import type { Log, Service, ServiceRequest } from '../types.ts'
import { invalidRequest } from './errors.ts'

/** One request to an operation, its parts decoded. */
export interface Call {
  /** A `{name}` of the operation's path. */
  param(name: string): string
  readonly query: URLSearchParams
  header(name: string): string | undefined
  /** The body as a JSON object; an empty body is `{}`. */
  json(): Readonly<Record<string, unknown>>
  readonly body: Buffer
}

/** One operation of a REST API of AWS. */
export interface Operation {
  /** The operation's name, which is also its IAM action. */
  readonly name: string
  readonly method: string
  /** For example `/things/{thingName}/principals`. */
  readonly path: string
  /** The ARN that the caller needs a grant for; without it, `*`. */
  resource?(call: Call): string
  /** Condition keys of the request. */
  context?(call: Call): Readonly<Record<string, string>>
  /** Further IAM actions on the same resource that the request needs. */
  also?(call: Call): readonly string[]
  /** Returns the answer's JSON; throws an `AwsError` to refuse. */
  run(call: Call): object | undefined | Promise<object | undefined>
}

export interface RestOptions {
  readonly signingName: string
  /** The exception that a caller without a grant gets. */
  readonly denial: string
  readonly operations: readonly Operation[]
  readonly log: Log
}

/** Serves operations as AWS's REST-JSON protocol does: an error is known by `x-amzn-errortype`. */
export function restService(options: RestOptions): Service {
  const routes = options.operations.map((operation) => ({
    operation,
    segments: operation.path.split('/'),
  }))
  return {
    signingNames: [options.signingName],
    async handle(request, response) {
      try {
        const result = await perform(routes, request, options.denial)
        answer(response, 200, json, JSON.stringify(result ?? {}))
      } catch (error) {
        const { code, status, message, details } = asAwsError(error, options.log)
        const body = { message, traceId: randomUUID(), ...details }
        answer(response, status, { ...json, 'x-amzn-errortype': code }, JSON.stringify(body))
      }
    },
  }
}

const json = { 'content-type': 'application/json' }

interface Route {
  readonly operation: Operation
  readonly segments: readonly string[]
}

function perform(routes: readonly Route[], request: ServiceRequest, denial: string) {
  const mark = request.url.indexOf('?')
  const path = mark < 0 ? request.url : request.url.slice(0, mark)
  const given = path.split('/')
  const route = routes.find(
    ({ operation, segments }) => operation.method === request.method && fits(segments, given),
  )
  if (route === undefined)
    throw new AwsError(
      'UnknownOperationException',
      `${request.method} ${path} is not an operation of the embedded cloud.`,
      404,
    )
  const call = callOf(request, route.segments, given, mark < 0 ? '' : request.url.slice(mark + 1))
  authorize(route.operation, call, request, denial)
  return route.operation.run(call)
}

function fits(segments: readonly string[], given: readonly string[]): boolean {
  return (
    segments.length === given.length &&
    segments.every((segment, index) =>
      segment.startsWith('{') ? given[index] !== '' : segment === given[index],
    )
  )
}

function callOf(
  request: ServiceRequest,
  segments: readonly string[],
  given: readonly string[],
  query: string,
): Call {
  return {
    param: (name) => decode(given[segments.indexOf(`{${name}}`)] ?? ''),
    query: new URLSearchParams(query),
    header: (name) => {
      const value = request.headers[name]
      return Array.isArray(value) ? value[0] : value
    },
    json: () => jsonObject(request.body),
    body: request.body,
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw invalidRequest('The path is not percent-encoded correctly.')
  }
}

function jsonObject(body: Buffer): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {}
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>
  } catch {}
  throw invalidRequest('The body is not a JSON object.')
}

function authorize(
  operation: Operation,
  call: Call,
  { caller }: ServiceRequest,
  denial: string,
): void {
  const resource = operation.resource?.(call) ?? '*'
  const context = operation.context?.(call)
  const names = [operation.name, ...(operation.also?.(call) ?? [])]
  const denied = names.find((name) => !caller.may(`iot:${name}`, resource, context))
  if (denied === undefined) return
  throw new AwsError(denial, notAuthorized(caller.name, `iot:${denied}`, resource), 403)
}

function asAwsError(error: unknown, log: Log): AwsError {
  if (error instanceof AwsError) return error
  log('iot', `An operation failed: ${error instanceof Error ? error.stack : String(error)}`)
  return new AwsError('InternalFailureException', 'An unexpected error has occurred.', 500)
}

/** One page of a list, and the token for the next; `most` is AWS's limit on a page. */
export function pageOf<T>(
  all: readonly T[],
  token: string | null,
  size: string | null,
  most = 250,
): { readonly page: readonly T[]; readonly next?: string } {
  const start = token === null ? 0 : Number(Buffer.from(token, 'base64url').toString())
  const length = size === null ? most : Number(size)
  if (!Number.isInteger(start) || start < 0) throw invalidRequest('The token is not one of ours.')
  if (!Number.isInteger(length) || length < 1 || length > most)
    throw invalidRequest(`A page has 1 to ${most} entries.`)
  const end = start + length
  const page = all.slice(start, end)
  return end < all.length
    ? { page, next: Buffer.from(String(end)).toString('base64url') }
    : { page }
}

/** A query value that must be true or false, if it is present. */
export function flag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  if (value !== 'true' && value !== 'false') throw invalidRequest(`${name} is true or false.`)
  return value === 'true'
}
