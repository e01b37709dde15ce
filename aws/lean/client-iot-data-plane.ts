import type {
  SendDirectMessageCommandInput,
  SendDirectMessageCommandOutput,
} from '@aws-sdk/client-iot-data-plane'
import { type Call, type Command, LeanClient } from './client.ts'
import { ServiceFault } from './fault.ts'
import type { GivenSettings } from './settings.ts'

export class ForbiddenException extends ServiceFault {}
export class GatewayTimeoutException extends ServiceFault {}
export class InvalidRequestException extends ServiceFault {}
export class RequestEntityTooLargeException extends ServiceFault {}
export class ResourceNotFoundException extends ServiceFault {}
export class UnauthorizedException extends ServiceFault {}

const faults = {
  ForbiddenException,
  GatewayTimeoutException,
  InvalidRequestException,
  RequestEntityTooLargeException,
  ResourceNotFoundException,
  UnauthorizedException,
}

/** Stands in for `@aws-sdk/client-iot-data-plane` in the functions' bundles. */
export class IoTDataPlaneClient extends LeanClient {
  constructor(settings?: GivenSettings) {
    const service = { signing: 'iotdata', variable: 'IOT_DATA_PLANE', host: 'data-ats.iot' }
    super(service, faults, settings)
  }
}

/** The members of a direct message that this project uses; the others would be lost in silence. */
type DirectMessage = Pick<
  SendDirectMessageCommandInput,
  'clientId' | 'topic' | 'payload' | 'confirmation' | 'timeout'
>

const headers = { 'content-type': 'application/octet-stream' }

/** `POST /connections/{clientId}/messages` (API_iotdata_SendDirectMessage). */
export class SendDirectMessageCommand implements Command<SendDirectMessageCommandOutput> {
  readonly input: DirectMessage

  constructor(input: DirectMessage) {
    this.input = input
  }

  toCall(): Call {
    const { clientId, topic, payload, confirmation, timeout } = this.input
    const query = [
      `topic=${encodeURIComponent(topic ?? '')}`,
      ...(confirmation === undefined ? [] : [`confirmation=${confirmation}`]),
      ...(timeout === undefined ? [] : [`timeout=${timeout}`]),
    ]
    return {
      method: 'POST',
      path: `/connections/${encodeURIComponent(clientId ?? '')}/messages?${query.join('&')}`,
      headers,
      body: bytesOf(payload),
    }
  }

  toOutput(body: string): SendDirectMessageCommandOutput {
    return JSON.parse(body) as SendDirectMessageCommandOutput
  }
}

function bytesOf(payload: DirectMessage['payload']): Buffer {
  if (payload instanceof Uint8Array)
    return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  throw new Error('the lean client takes a payload of bytes only')
}
