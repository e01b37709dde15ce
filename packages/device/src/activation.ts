import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { retryDelayMs } from './backoff.ts'
import { belongTogether, makePrivateKey, makeRequest } from './certificate.ts'
import { fault, HeliographDeviceError, messageOf } from './errors.ts'
import { type ActivationAnswer, type IdentityStore, parseAnswer } from './identity.ts'
import { type JsonObject, parseObject, textAt } from './json.ts'
import type { Lifetime } from './lifetime.ts'

/** What the operator gives out for one device. */
export interface ActivationOptions {
  /** Complete, https. */
  readonly url: string
  /** The one-time activation code. */
  readonly code: string
  /**
   * PEM of the CA that signed the activation endpoint's certificate; if absent, the system's CAs.
   */
  readonly ca?: string
}

const TRIES = 4
const TIME_LIMIT_MS = 15_000
/** Two certificates and a few names; an answer above this is not one. */
const LARGEST_ANSWER = 64 * 1024

/** What an activation needs of the device: its time, which ends with it. */
interface World {
  readonly lifetime: Lifetime
  readonly random: () => number
}

interface Reply {
  readonly status: number
  readonly body: string
  /** What the service asks for with `Retry-After`. */
  readonly retryAfterMs?: number
}

/**
 * Turns a code into an identity. The key is on disk before the first request, so that a repeat after
 * a lost answer carries the same key, which the service answers with the same device.
 */
export async function activate(
  options: ActivationOptions,
  identity: IdentityStore,
  world: World,
): Promise<string> {
  const privateKey = await keptKey(identity)
  const body = JSON.stringify({ csr: await makeRequest(privateKey), activationCode: options.code })
  const answer = readAnswer(await postWithRetries(options, body, world), privateKey)
  await identity.change(() => ({ activated: { ...answer, privateKey } }))
  return answer.deviceId
}

async function keptKey(identity: IdentityStore): Promise<string> {
  const freshKey = identity.current.freshKey ?? makePrivateKey()
  if (identity.current.freshKey === undefined)
    await identity.change((kept) => ({ ...kept, freshKey }))
  return freshKey
}

/** How often a service that names its time is believed, and how long it may ask to wait. */
const LINE_TRIES = 60
const LONGEST_WAIT_MS = 10 * 60_000

/**
 * Retries if there was no answer or the service was busy; a refusal is final. If the service says
 * when to retry, the request is in its line, and such a wait does not count as a failure.
 */
async function postWithRetries(
  options: ActivationOptions,
  body: string,
  { lifetime, random }: World,
): Promise<Reply> {
  let inLine = 0
  for (let failures = 0; ; failures++) {
    const last = failures === TRIES - 1
    try {
      const reply = await post(options, body, lifetime.ended)
      if (!isBusy(reply.status)) return reply
      if (isNamed(reply) && inLine++ < LINE_TRIES) {
        await pause(lifetime, reply.retryAfterMs + retryDelayMs(0, random))
        failures -= 1
        continue
      }
      if (last) return reply
    } catch (error) {
      if (last || error instanceof HeliographDeviceError) throw unreachable(options.url, error)
    }
    await pause(lifetime, retryDelayMs(failures, random))
  }
}

/** Whether the service said when to try again. */
function isNamed(reply: Reply): reply is Reply & { readonly retryAfterMs: number } {
  return (reply.status === 429 || reply.status === 503) && reply.retryAfterMs !== undefined
}

function isBusy(status: number): boolean {
  return status === 429 || status >= 500
}

function pause(lifetime: Lifetime, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (lifetime.ended.aborted) throw closed()
    const end = () => reject(closed())
    lifetime.ended.addEventListener('abort', end, { once: true })
    lifetime.after(ms, () => {
      lifetime.ended.removeEventListener('abort', end)
      resolve()
    })
  })
}

function closed(): HeliographDeviceError {
  return fault('Closed', 'the device was closed before it was activated')
}

function post(options: ActivationOptions, body: string, ended: AbortSignal): Promise<Reply> {
  const url = checkedUrl(options.url)
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.any([ended, AbortSignal.timeout(TIME_LIMIT_MS)]),
      agent: false,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    })
    const fail = (error: Error) => reject(ended.aborted ? closed() : error)
    call.on('error', fail)
    call.on('response', (response) => collect(response).then(resolve, fail))
    call.end(body)
  })
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:') return url
  throw fault('ActivationUnreachable', `the activation url must be an https address, not "${text}"`)
}

async function collect(response: IncomingMessage): Promise<Reply> {
  let body = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    body += chunk
    if (body.length > LARGEST_ANSWER) throw new Error(`answer above ${LARGEST_ANSWER} characters`)
  }
  return { status: response.statusCode ?? 0, body, ...retryAfter(response) }
}

/** In seconds; this service never sends the other form, a date. */
function retryAfter({ headers }: IncomingMessage): Pick<Reply, 'retryAfterMs'> {
  const text = headers['retry-after'] ?? ''
  if (!/^[0-9]{1,9}$/.test(text)) return {}
  return { retryAfterMs: Math.min(Number(text) * 1_000, LONGEST_WAIT_MS) }
}

function readAnswer({ status, body }: Reply, privateKey: string): ActivationAnswer {
  const object = parseObject(body) ?? {}
  if (status !== 201) throw refused(status, object)
  const answer = parseAnswer(object)
  if (answer && belongTogether({ privateKey, certificate: answer.certificate })) return answer
  throw fault(
    'ActivationRefused',
    'the activation endpoint answered 201 without a certificate for this device: check the activation url',
  )
}

function refused(status: number, body: JsonObject): HeliographDeviceError {
  const reason = textAt(body, 'reason')
  const detail = textAt(body, 'detail')?.slice(0, 200) ?? 'no reason given'
  const named = reason === undefined ? `HTTP ${status}` : `${reason}, HTTP ${status}`
  return new HeliographDeviceError(
    reason ?? 'ActivationRefused',
    `activation was refused: ${detail} (${named})`,
    { status },
  )
}

function unreachable(url: string, error: unknown): HeliographDeviceError {
  if (error instanceof HeliographDeviceError) return error
  return fault(
    'ActivationUnreachable',
    `the activation endpoint ${url} cannot be reached (${messageOf(error)}): check the address, the network and the CA, then try again with the same code`,
    { cause: error },
  )
}
