import type {
  PublishCommandInput,
  PublishCommandOutput,
  SendDirectMessageCommandInput,
  SendDirectMessageCommandOutput,
} from '@aws-sdk/client-iot-data-plane'
import { type Call, type Command, LeanClient } from './client.ts'
import { ServiceFault } from './fault.ts'
import { parseBody } from './json-command.ts'
import type { GivenSettings } from './settings.ts'
import { encoded } from './signature.ts'

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

/** The members of a direct message that this project uses. */
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
    const { clientId, topic, payload, confirmation, timeout, ...others } = this.input
    refuse(Object.keys(others))
    // in the order of their names, as the signature has them
    const query = [
      ...(confirmation === undefined ? [] : [`confirmation=${confirmation}`]),
      ...(timeout === undefined ? [] : [`timeout=${timeout}`]),
      `topic=${encoded(topic ?? '')}`,
    ]
    return {
      method: 'POST',
      path: `/connections/${encoded(clientId ?? '')}/messages?${query.join('&')}`,
      headers,
      body: bytesOf(payload),
    }
  }

  toOutput(body: string): SendDirectMessageCommandOutput {
    return parseBody(body) as SendDirectMessageCommandOutput
  }
}

/** The members of a message to a topic that this project uses. */
type Publication = Pick<
  PublishCommandInput,
  'topic' | 'payload' | 'qos' | 'retain' | 'messageExpiry'
>

/** `POST /topics/{topic}` (API_iotdata_Publish). */
export class PublishCommand implements Command<PublishCommandOutput> {
  readonly input: Publication

  constructor(input: Publication) {
    this.input = input
  }

  toCall(): Call {
    const { topic, payload, qos, retain, messageExpiry, ...others } = this.input
    refuse(Object.keys(others))
    const query = [
      ...(messageExpiry === undefined ? [] : [`messageExpiry=${messageExpiry}`]),
      ...(qos === undefined ? [] : [`qos=${qos}`]),
      ...(retain === undefined ? [] : [`retain=${retain}`]),
    ]
    const path = `/topics/${encoded(topic ?? '')}`
    return {
      method: 'POST',
      path: query.length === 0 ? path : `${path}?${query.join('&')}`,
      headers,
      body: bytesOf(payload),
    }
  }

  toOutput(): PublishCommandOutput {
    return { $metadata: {} }
  }
}

/** The code is checked against the SDK's types, which have more members. */
function refuse([unknown]: readonly string[]): void {
  if (unknown !== undefined)
    throw new Error(`the lean client does not send ${unknown}: add it to aws/lean`)
}

function bytesOf(payload: DirectMessage['payload']): Buffer {
  if (payload instanceof Uint8Array)
    return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  throw new Error('the lean client only takes a payload of bytes')
}
