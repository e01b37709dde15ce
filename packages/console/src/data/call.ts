import type { ApiError, Endpoints, ErrorAnswer } from 'heliograph/console/api'

type Name = keyof Endpoints
type Part<N extends Name, Key extends string> =
  Endpoints[N] extends Record<Key, infer Value> ? { readonly [K in Key]: Value } : unknown
/** What a request to the API takes, as `Endpoints` states it. */
export type Input<N extends Name> = Part<N, 'params'> & Part<N, 'query'> & Part<N, 'body'>
export type Answer<N extends Name> = Endpoints[N]['answer']

/** Why a request came to nothing. `lost`: the console itself does not answer. */
export interface Fault extends Omit<ApiError, 'kind'> {
  readonly kind: ApiError['kind'] | 'lost'
}

class CallFailure extends Error {
  readonly fault: Fault

  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

/** Longer than any timeout of the server: its answer says more than ours would. */
const PATIENCE_MS = 150_000

/** One request to the console's API. @throws CallFailure */
export async function call<N extends Name>(
  name: N,
  input: Input<N>,
  signal?: AbortSignal,
): Promise<Answer<N>> {
  const { params, query, body } = input as Loose
  const [method = 'GET', path = ''] = name.split(' ')
  const limit = AbortSignal.timeout(PATIENCE_MS)
  const request: RequestInit = {
    method,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
    ...(method === 'POST' && {
      headers: { 'content-type': 'application/json', 'heliograph-console': '1' },
      body: JSON.stringify(body ?? {}),
    }),
  }
  const response = await fetch(urlOf(path, params, query), request).catch((fault) => {
    if (signal?.aborted) throw fault
    throw new CallFailure(limit.aborted ? tooSlow : lost)
  })
  if (!response.ok) throw new CallFailure(await faultOf(response))
  return (await response.json()) as Answer<N>
}

interface Loose {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body?: unknown
}

const lost: Fault = {
  kind: 'lost',
  message:
    'The console does not answer. Start heliograph console again and open the address that it prints.',
}

const tooSlow: Fault = {
  kind: 'timeout',
  message: `No answer came within ${PATIENCE_MS / 1000} seconds. Try again; what had begun may still be done.`,
}

async function faultOf(response: Response): Promise<Fault> {
  try {
    return ((await response.json()) as ErrorAnswer).error
  } catch {
    return { kind: 'failed', message: `The console answered ${response.status} without a reason.` }
  }
}

/** A path of the API with its parameters filled in. */
export function urlOf(
  path: string,
  params: Loose['params'] = {},
  query: Loose['query'] = {},
): string {
  const filled = path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  )
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of [value ?? []].flat()) search.append(name, one)
  const text = search.toString()
  return text === '' ? filled : `${filled}?${text}`
}

/** What went wrong, as a person may read it. */
export function toFault(thrown: unknown): Fault {
  if (thrown instanceof CallFailure) return thrown.fault
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return { kind: 'failed', message }
}
