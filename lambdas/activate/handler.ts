import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { faultFields, type Log } from '../../aws/log.ts'
import { type ActivatePorts, type ActivationReason, activate } from '../../core/activate.ts'
import type { HttpEvent } from '../http.ts'

/** Where an activated device connects, and what it publishes to. */
export interface Meeting {
  readonly mqtt: { readonly host: string; readonly port: number; readonly ca: string }
  readonly stage: string
}

const statuses: Record<ActivationReason, number> = {
  BadRequest: 400,
  BadCertificateRequest: 400,
  BadActivationCode: 403,
  UsedActivationCode: 403,
  ExpiredActivationCode: 403,
}

/** `POST /activate`: 201 with the certificate, or `{"reason","detail"}`. */
export function activateHandler(ports: ActivatePorts, meeting: Meeting, log: Log) {
  return async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    try {
      const result = await activate(readBody(event), ports)
      if ('reason' in result) {
        log.warn('activation refused', { reason: result.reason })
        return json(statuses[result.reason], result)
      }
      log.info('device activated', { deviceId: result.deviceId })
      const publish = upTopics(meeting.stage, result.deviceId)
      return json(201, { ...result, mqtt: meeting.mqtt, publish })
    } catch (fault) {
      log.error('activate failed', faultFields(fault))
      const detail = 'the service could not finish the activation: send the same request again'
      return json(503, { reason: 'ServiceUnavailable', detail })
    }
  }
}

function readBody(event: HttpEvent): Readonly<Record<string, unknown>> {
  try {
    const text = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
    const value: unknown = JSON.parse(text.toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Basic Ingest: no messaging charge, and nobody can subscribe to them. */
function upTopics(stage: string, deviceId: string): Record<string, string> {
  const topic = (name: string) => `$aws/rules/heliograph_${stage}_${name}/${deviceId}`
  const names = ['register', 'connect', 'unregister', 'renew']
  return Object.fromEntries(names.map((name) => [name, topic(name)]))
}

function json(statusCode: number, value: object): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  }
}
