import { setImmediate as nextTurn } from 'node:timers/promises'
import { FunctionFault } from '../types.ts'
import { readResult, refuse } from './answers.ts'
import { type ByteBudget, createByteBudget, MAX_BODY_BYTES, readBody } from './body.ts'
import {
  buildEvent,
  type HttpApiEvent,
  newRequestId,
  parseTarget,
  type RoutedRequest,
} from './event.ts'
import type { Answer, GatewayLimits, GatewayOptions } from './options.ts'
import { type Refusal, refusals } from './refusals.ts'
import { type Exchange, joinHeaders, type RequestHead } from './request.ts'
import { createRouter, type RouteMatch, type Router } from './routes.ts'
import { createThrottles, type Throttle } from './throttle.ts'

/** An HTTP API behind whatever protocol its clients speak. */
export interface HttpApi {
  /** Answers one request, or undefined when the client has left. Never rejects. */
  answer(exchange: Exchange): Promise<Answer | undefined>
}

/** "Quotas for HTTP APIs": the request line and all header names and values, in bytes. */
const MAX_HEAD_BYTES = 10_240

/** The longest that AWS waits for an integration of an HTTP API. */
const MAX_INTEGRATION_MS = 30_000

const noBody = Buffer.alloc(0)

interface Inside {
  readonly options: GatewayOptions
  readonly limits: GatewayLimits
  readonly router: Router
  readonly throttleOf: (routeKey: string) => Throttle
  readonly budget: ByteBudget
  inFlight: number
}

export function createHttpApi(options: GatewayOptions, limits: GatewayLimits): HttpApi {
  const api: Inside = {
    options,
    limits,
    router: createRouter(options.routes),
    throttleOf: createThrottles(options),
    budget: createByteBudget(limits.maxBufferedBytes),
    inFlight: 0,
  }
  return { answer: (exchange) => answerSafely(api, exchange) }
}

/** An answer of a function, or what the gateway says instead of it. */
type Outcome = Answer | { readonly refusal: Refusal } | undefined

async function answerSafely(api: Inside, exchange: Exchange): Promise<Answer | undefined> {
  const requestId = newRequestId()
  api.inFlight += 1
  try {
    const outcome = await answerRequest(api, exchange, requestId)
    return outcome && withRequestId(finish(api, exchange.head, outcome), requestId)
  } catch (error) {
    api.options.log('gateway', `${requestId} failed inside the gateway: ${String(error)}`)
    return withRequestId(finish(api, exchange.head, { refusal: refusals.failed }), requestId)
  } finally {
    api.inFlight -= 1
  }
}

function finish(api: Inside, head: RequestHead, outcome: Exclude<Outcome, undefined>): Answer {
  if (!('refusal' in outcome)) return outcome
  const shape = api.options.shapeRefusal ?? refuse
  return shape(outcome.refusal, joinHeaders(head), head)
}

function withRequestId(answer: Answer, requestId: string): Answer {
  return { ...answer, headers: { ...answer.headers, 'apigw-requestid': requestId } }
}

async function answerRequest(api: Inside, exchange: Exchange, requestId: string): Promise<Outcome> {
  const refusal = refuseHead(api, exchange.head)
  if (refusal !== undefined) return { refusal }
  if (exchange.body === undefined) return routeRequest(api, exchange, noBody, requestId)
  const read = await readBody(exchange.body, api.budget, api.limits.bodyMs)
  if (read.is === 'abandoned') return undefined
  if (read.is === 'refused') return read
  try {
    return await routeRequest(api, exchange, read.body, requestId)
  } finally {
    api.budget.give(read.held)
  }
}

/** What can be refused before the body is read. */
function refuseHead(api: Inside, head: RequestHead): Refusal | undefined {
  if (api.inFlight > api.limits.maxInFlight) return refusals.unavailable
  if (sizeOf(head) > MAX_HEAD_BYTES) return refusals.headersTooLarge
  const length = head.headers.find(([name]) => name === 'content-length')?.[1]
  if (Number(length ?? 0) > MAX_BODY_BYTES) return refusals.bodyTooLarge
  return undefined
}

function sizeOf({ method, target, headers }: RequestHead): number {
  return headers.reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    method.length + target.length,
  )
}

async function routeRequest(
  api: Inside,
  { head, abandoned }: Exchange,
  body: Buffer,
  requestId: string,
): Promise<Outcome> {
  // One turn later, a stream that was reset immediately is known to be: rapid reset costs no call.
  await nextTurn()
  if (abandoned()) return undefined
  const target = parseTarget(head.target, api.options)
  if (target === undefined) return { refusal: refusals.badRequest }
  if (target === 'elsewhere') return { refusal: refusals.notFound }
  const match = api.router(head.method, target.routePath)
  if (match === undefined) return { refusal: refusals.notFound }
  if (!api.throttleOf(match.routeKey)(performance.now())) return { refusal: refusals.throttled }
  return integrate(api, { head, target, match, body, requestId }, abandoned)
}

async function integrate(
  api: Inside,
  request: Omit<RoutedRequest, 'now'>,
  abandoned: Exchange['abandoned'],
): Promise<Outcome> {
  const { match, requestId } = request
  const { log, permits } = api.options
  const say = (line: string) => log('gateway', `${match.routeKey} (${requestId}): ${line}`)
  const source = sourceArn(api.options, match, request.head.method)
  if (!permits(match.route.functionArn, source)) {
    say(`no Lambda::Permission lets ${source} invoke ${match.route.functionArn}`)
    return { refusal: refusals.failed }
  }
  // the function counts its time from the time in the event
  const event = (elapsedMs: number) =>
    buildEvent(api.options, { ...request, now: new Date(Date.now() - elapsedMs) })
  const result = await invoke(api, match, { event, isWanted: () => !abandoned() })
  if (result.is === 'returned') {
    const answer = readResult(result.value)
    if (!('invalid' in answer)) return answer
    say(`the function's result cannot be sent: ${answer.invalid}`)
    return { refusal: refusals.failed }
  }
  // nobody gets the answer
  if (result.is === 'late' && abandoned()) return undefined
  say(result.why)
  return { refusal: result.is === 'late' ? refusals.unavailable : refusals.failed }
}

/** What a `Lambda::Permission`'s `SourceArn` is compared with. */
function sourceArn(options: GatewayOptions, match: RouteMatch, method: string): string {
  const { identity, apiId, stage } = options
  const { path } = match.route
  const route = path === '$default' ? path : `${method}${path}`
  return `arn:aws:execute-api:${identity.region}:${identity.accountId}:${apiId}/${stage}/${route}`
}

type Invocation =
  | { readonly is: 'returned'; readonly value: unknown }
  | { readonly is: 'late' | 'faulty'; readonly why: string }

/**
 * How long a request waits for its turn, milliseconds. AWS has an execution environment for each of
 * a thousand simultaneous requests. Here, a few take turns, and waiting for them counts neither as
 * the function's time nor as a failure.
 */
const MAX_WAIT_MS = 60_000

interface Call {
  /** Made when an execution environment takes it. */
  readonly event: (elapsedMs: number) => HttpApiEvent
  /** Whether the client is still there. */
  readonly isWanted: () => boolean
}

/**
 * A function that is too late keeps running, as on AWS, but its result is lost. The integration's
 * time starts with the function's.
 */
function invoke(
  api: Inside,
  { route }: RouteMatch,
  { event, isWanted }: Call,
): Promise<Invocation> {
  const timeoutMs = Math.min(route.timeoutMs ?? MAX_INTEGRATION_MS, MAX_INTEGRATION_MS)
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const settle = (invocation: Invocation) => {
      clearTimeout(timer)
      resolve(invocation)
    }
    const why = `the function did not answer within ${timeoutMs} ms`
    const onStart = (elapsedMs: number) => {
      timer = setTimeout(() => resolve({ is: 'late', why }), timeoutMs - elapsedMs)
    }
    const options = { patienceMs: MAX_WAIT_MS, isWanted, onStart }
    Promise.resolve()
      .then(() => api.options.functions.invoke(route.functionArn, event, options))
      .then((value) => settle({ is: 'returned', value }))
      .catch((error: unknown) => settle(faultOf(error)))
  })
}

/** API Gateway answers 503 if there was no capacity to run the function. */
function faultOf(error: unknown): Invocation {
  const isThrottled = error instanceof FunctionFault && error.errorType === THROTTLED
  return { is: isThrottled ? 'late' : 'faulty', why: describeFault(error) }
}

const THROTTLED = 'TooManyRequestsException'

function describeFault(error: unknown): string {
  if (error instanceof FunctionFault)
    return `the function failed: ${error.errorType}: ${error.message}`
  return `the function could not be invoked: ${String(error)}`
}
