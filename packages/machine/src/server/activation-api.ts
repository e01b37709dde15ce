import { type ActivatePorts, activate } from '@heliograph/core/devices/activate'
import { rateLimit } from '@heliograph/core/rate-limit'
import type { Answer } from '@heliograph/core/send/answer'
import type { ProviderRequest } from '@heliograph/core/send/provider-request'
import { networkOf } from '@heliograph/core/trust/network'
import { MAX_ACTIVATION_CHARACTERS } from '@heliograph/protocol/limits'
import type { ActivationAnswer, ActivationRefusal } from '@heliograph/protocol/messages'
import { upTopics } from '@heliograph/protocol/mqtt-topic'
import { activationStatuses } from '@heliograph/protocol/reasons'
import type { Gate } from '../gate.ts'
import { faultFields, type Log, seldom } from '../log.ts'

const ACTIVATION_PATH = '/activate'

export interface ActivationApiOptions {
  readonly ports: ActivatePorts
  /** Where an activated device connects. */
  readonly mqtt: { readonly host: string; readonly port: number; readonly ca: string }
  readonly stage: string
  /** Requests per second that are handled, from one network and in total: anyone may ask. */
  readonly perSecond: { readonly ofNetwork: number; readonly all: number }
  readonly log: Log
  /** Keeps changes out while the machine is on its way to another place. */
  readonly gate: Pick<Gate, 'pass'>
}

/** A throttled service needs a moment. */
const FAULT_PAUSE_SECONDS = 2

const unfinished: ActivationRefusal = {
  reason: 'ServiceUnavailable',
  detail: 'the service could not finish the activation: send the same request again',
}

/** A device that waits for the new place should not ask all the time. */
const MOVE_PAUSE_SECONDS = 60

const moving: ActivationRefusal = {
  reason: 'ServiceUnavailable',
  detail: 'the service moves to another place: ask its operator where, and for a code',
}

/** `POST /activate`: 201 with the certificate, or `{"reason","detail"}`. */
export function activationApi(options: ActivationApiOptions) {
  const { ports, log, perSecond } = options
  const ofNetwork = rateLimit(perSecond.ofNetwork)
  const all = rateLimit(perSecond.all)
  const refused = seldom((reason, count) => log.warn('activations were refused', { reason, count }))

  async function work(request: ProviderRequest): Promise<Answer> {
    const result = await activate(readBody(request.body), ports)
    if ('reason' in result) {
      refused(result.reason)
      const { retryAfter, ...answer } = result
      return json(activationStatuses[result.reason], answer, retryAfter)
    }
    log.info('device activated', { deviceId: result.deviceId })
    const publish = upTopics(options.stage, result.deviceId)
    const answer: ActivationAnswer = { ...result, mqtt: options.mqtt, publish }
    return json(201, answer)
  }

  return async (request: ProviderRequest): Promise<Answer> => {
    if (request.path !== ACTIVATION_PATH)
      return json(404, { message: `devices are activated with POST ${ACTIVATION_PATH}` })
    if (request.method !== 'POST') return json(405, { message: `${request.method} is not POST` })
    const now = ports.clock.now()
    if (!ofNetwork.take(networkOf(request.tokenSource ?? ''), now) || !all.take('all', now))
      return json(activationStatuses.TooManyActivations, tooMany, 1)
    try {
      const answer = await options.gate.pass(() => work(request))
      return answer === 'shut'
        ? json(activationStatuses[moving.reason], moving, MOVE_PAUSE_SECONDS)
        : answer
    } catch (fault) {
      log.error('activate failed', faultFields(fault))
      return json(activationStatuses[unfinished.reason], unfinished, FAULT_PAUSE_SECONDS)
    }
  }
}

const tooMany: ActivationRefusal = {
  reason: 'TooManyActivations',
  detail: 'too many requests: send the same request after Retry-After',
}

/** What the server answers before the request is whole, in the shape of this API. */
export function activationEdge(status: number): Answer {
  const refused = status >= 500 ? unfinished : { reason: 'BadRequest', detail: edgeDetail(status) }
  return json(status, refused, status >= 500 ? FAULT_PAUSE_SECONDS : undefined)
}

function edgeDetail(status: number): string {
  if (status === 408) return 'the request did not come to its end in time'
  return status === 413 || status === 431 ? 'the request is too large' : 'this is no HTTP request'
}

/** Empty for anything but a JSON object no larger than an honest device could need. */
function readBody(body: ProviderRequest['body']): Readonly<Record<string, unknown>> {
  if (body === 'not-utf8' || body.length > MAX_ACTIVATION_CHARACTERS) return {}
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function json(status: number, value: object, retryAfter?: number): Answer {
  const pause = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  return {
    status,
    headers: { 'content-type': 'application/json', ...pause },
    body: JSON.stringify(value),
  }
}
