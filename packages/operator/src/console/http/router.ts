import type { Endpoints, Streams } from '../api.ts'
import { ApiFailure } from '../failure.ts'
import type { Body } from './body.ts'
import type { EventStream } from './stream.ts'

/** A request that was let in. */
export interface ApiRequest<Params extends string = string> {
  readonly params: Readonly<Record<Params, string>>
  readonly query: URLSearchParams
  /** Of a POST; parsed by whoever takes it. */
  readonly body: Body
}

type ParamsOf<Endpoint> = Endpoint extends { readonly params: infer Params }
  ? Extract<keyof Params, string>
  : never

/** What answers an endpoint, and how many seconds it may take. */
export interface Handler<Name extends keyof Endpoints> {
  readonly seconds: number
  answer(request: ApiRequest<ParamsOf<Endpoints[Name]>>): Promise<Endpoints[Name]['answer']>
}

export type Handlers = { readonly [Name in keyof Endpoints]: Handler<Name> }

/** Says what there is to say until it is through, or until nobody listens any more. */
export type StreamHandler<Name extends keyof Streams> = (
  request: ApiRequest<ParamsOf<Streams[Name]>>,
  stream: EventStream<Streams[Name]['events']>,
) => Promise<void>

export type StreamHandlers = { readonly [Name in keyof Streams]: StreamHandler<Name> }

type Any<T> = { readonly kind: 'answer' | 'stream'; readonly name: T }

interface Route extends Any<keyof Endpoints | keyof Streams> {
  readonly method: string
  readonly parts: readonly string[]
}

export interface Found extends Any<keyof Endpoints | keyof Streams> {
  readonly params: Readonly<Record<string, string>>
}

/** Finds what a method and a path lead to; fixed paths come before those with a name in them. */
export class Router {
  readonly #routes: readonly Route[]

  constructor(endpoints: readonly (keyof Endpoints)[], streams: readonly (keyof Streams)[]) {
    const all = [
      ...endpoints.map((name) => routeOf('answer', name)),
      ...streams.map((name) => routeOf('stream', name)),
    ]
    this.#routes = all.sort((a, b) => namesIn(a) - namesIn(b))
  }

  /** @throws ApiFailure where there is no such path, or not with this method. */
  find(method: string, path: string): Found {
    const given = path.split('/').map(decodePart)
    const fitting = this.#routes.filter(({ parts }) => fits(parts, given))
    const route = fitting.find((one) => one.method === method)
    if (route) return { kind: route.kind, name: route.name, params: paramsOf(route.parts, given) }
    if (fitting.length > 0) throw new ApiFailure('method', `${method} is not taken here`)
    throw new ApiFailure('notFound', 'there is no such address')
  }
}

function routeOf(kind: Route['kind'], name: Route['name']): Route {
  const [method = '', path = ''] = name.split(' ')
  return { kind, name, method, parts: path.split('/') }
}

function namesIn({ parts }: Route): number {
  return parts.filter(isName).length
}

const isName = (part: string) => part.startsWith(':')

function fits(parts: readonly string[], given: readonly string[]): boolean {
  return (
    parts.length === given.length &&
    parts.every((part, at) => (isName(part) ? given[at] !== '' : given[at] === part))
  )
}

function paramsOf(parts: readonly string[], given: readonly string[]): Record<string, string> {
  const named = parts.flatMap((part, at) =>
    isName(part) ? [[part.slice(1), given[at] ?? ''] as const] : [],
  )
  return Object.fromEntries(named)
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new ApiFailure('usage', 'the address is not well-formed')
  }
}
