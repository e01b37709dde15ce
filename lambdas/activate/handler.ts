import { faultFields, type Log } from '@heliograph/aws/log'
import { type ActivatePorts, activate } from '@heliograph/core/devices/activate'
import { MAX_ACTIVATION_CHARACTERS } from '@heliograph/protocol/limits'
import type { ActivationAnswer, ActivationRefusal } from '@heliograph/protocol/messages'
import { upTopics } from '@heliograph/protocol/mqtt-topic'
import { activationStatuses } from '@heliograph/protocol/reasons'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { HttpEvent } from '../http.ts'

/** Where an activated device connects, and what it publishes to. */
export interface Meeting {
  readonly mqtt: { readonly host: string; readonly port: number; readonly ca: string }
  readonly stage: string
}

/** `POST /activate`: 201 with the certificate, or `{"reason","detail"}`. */
export function activateHandler(ports: ActivatePorts, meeting: Meeting, log: Log) {
  return async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    try {
      const result = await activate(readBody(event), ports)
      if ('reason' in result) {
        log.warn('activation refused', { reason: result.reason })
        const { retryAfter, ...answer } = result
        return json(activationStatuses[result.reason], answer, retryAfter)
      }
      log.info('device activated', { deviceId: result.deviceId })
      const publish = upTopics(meeting.stage, result.deviceId)
      const answer: ActivationAnswer = { ...result, mqtt: meeting.mqtt, publish }
      return json(201, answer)
    } catch (fault) {
      log.error('activate failed', faultFields(fault))
      return json(activationStatuses[unfinished.reason], unfinished, FAULT_PAUSE_SECONDS)
    }
  }
}

const unfinished: ActivationRefusal = {
  reason: 'ServiceUnavailable',
  detail: 'the service could not finish the activation: send the same request again',
}

/** A throttled service needs a moment. */
const FAULT_PAUSE_SECONDS = 2

/** Empty for anything but a JSON object no larger than an honest device could need. */
function readBody(event: HttpEvent): Readonly<Record<string, unknown>> {
  if ((event.body?.length ?? 0) > MAX_ACTIVATION_CHARACTERS) return {}
  try {
    const text = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
    const value: unknown = JSON.parse(text.toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function json(
  statusCode: number,
  value: object,
  retryAfter?: number,
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: {
      'content-type': 'application/json',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    },
    body: JSON.stringify(value),
  }
}
