import { randomUUID } from 'node:crypto'
import { AwsError } from '../answer.ts'
import type { Broker } from './broker.ts'
import type { Connection } from './connection.ts'
import {
  type Delivery,
  type DirectMessage,
  type DirectOutcome,
  sendDirect,
} from './direct-messages.ts'
import { invalidRequest, resourceNotFound } from './errors.ts'
import { clientIdProblem, limits, topicProblem } from './limits.ts'
import { type Call, flag, type Operation } from './rest.ts'
import type { RetainedMessage, RetainedMessages } from './retained.ts'
import type { RulesEngine } from './rules/engine.ts'

export interface DataPlane extends Delivery {
  readonly broker: Pick<Broker, 'publish' | 'disconnect' | 'dropPersistentSession'>
  readonly rules: Pick<RulesEngine, 'accept'>
  readonly retained: RetainedMessages
  readonly confirmationSecondMs: number
}

/**
 * The AWS IoT data plane over HTTP.
 * Source: https://docs.aws.amazon.com/iot/latest/apireference/API_Operations_AWS_IoT_Data_Plane.html
 */
export function dataPlaneOperations(plane: DataPlane): Operation[] {
  const client = (call: Call) => plane.authority.arn('client', call.param('clientId'))
  const connection = '/connections/{clientId}'
  return [
    {
      name: 'SendDirectMessage',
      method: 'POST',
      path: '/connections/{clientId}/messages',
      resource: client,
      context: ({ query }) => ({ 'iot:Topic': query.get('topic') ?? '' }),
      run: (call) => send(plane, call),
    },
    {
      name: 'GetConnection',
      method: 'GET',
      path: connection,
      resource: client,
      run: (call) => describe(plane, call),
    },
    {
      name: 'DeleteConnection',
      method: 'DELETE',
      path: connection,
      resource: client,
      run: (call) => disconnect(plane, call),
    },
    {
      name: 'Publish',
      method: 'POST',
      path: '/topics/{topic}',
      resource: (call) => plane.authority.arn('topic', call.param('topic')),
      also: (call) => (isRetained(call) ? ['RetainPublish'] : []),
      run: (call) => publish(plane, call),
    },
    {
      name: 'GetRetainedMessage',
      method: 'GET',
      path: '/retainedMessage/{topic}',
      resource: (call) => plane.authority.arn('topic', call.param('topic')),
      run: (call) => retainedMessage(plane, call),
    },
  ]
}

/** Source: https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_GetRetainedMessage.html */
async function retainedMessage({ retained }: DataPlane, call: Call): Promise<object> {
  const topic = call.param('topic')
  const problem = topicProblem(topic)
  if (problem !== undefined) throw invalidRequest(problem)
  const [found] = retained.matching(topic)
  if (!found) throw resourceNotFound(`No message is retained for the topic ${topic}.`)
  return { topic, payload: found.payload.toString('base64'), qos: found.qos }
}

/** Source: https://docs.aws.amazon.com/iot/latest/developerguide/direct-messaging.html */
async function send(plane: DataPlane, call: Call): Promise<object> {
  const outcome = await sendDirect(directMessage(call, plane), plane)
  if (outcome === 'DELIVERED') return { message: 'Message delivered.', traceId: randomUUID() }
  if (outcome === 'DISPATCHED') return { message: 'Message dispatched.', traceId: randomUUID() }
  const stored =
    outcome === 'TARGET_CLIENT_NOT_CONNECTED' &&
    plane.connections.hasPersistentSession(call.param('clientId'))
  const [type, status, text] = refusals[outcome]
  const more = stored ? ' It has an unexpired persistent session.' : ''
  throw new AwsError(type, `${outcome}: ${text}${more}`, status)
}

/** The refusals of a direct message; AWS's own text is not documented, the names and statuses are. */
const refusals = {
  TARGET_CLIENT_NOT_CONNECTED: ['ResourceNotFoundException', 404, 'The client is not connected.'],
  RECEIVE_AUTHORIZATION_FAILURE: [
    'ForbiddenException',
    403,
    'The policy of the receiver does not allow iot:Receive on the topic.',
  ],
  RECEIVE_SESSION_THROTTLED: [
    'ThrottlingException',
    429,
    'The connection of the receiver takes no more messages in this second.',
  ],
  RECEIVER_MAX_UNACKED_QOS1_EXCEEDED: [
    'ThrottlingException',
    429,
    'The receiver owes too many acknowledgements.',
  ],
  CLIENT_ENDPOINT_NOT_WRITABLE: [
    'InternalFailureException',
    500,
    'The receiver does not read what it is sent.',
  ],
  DELIVERY_CONFIRMATION_TIMEOUT: [
    'GatewayTimeoutException',
    504,
    'The receiver did not acknowledge in time; it may have the message.',
  ],
  RECEIVER_DISCONNECTED: [
    'GatewayTimeoutException',
    504,
    'The receiver disconnected before it acknowledged; it may have the message.',
  ],
} as const satisfies Record<
  Exclude<DirectOutcome, 'DELIVERED' | 'DISPATCHED'>,
  readonly [type: string, status: number, text: string]
>

function directMessage(call: Call, { confirmationSecondMs }: DataPlane): DirectMessage {
  const clientId = call.param('clientId')
  const topic = call.query.get('topic') ?? ''
  const problem = clientIdProblem(clientId) ?? directTopicProblem(topic)
  if (problem !== undefined) throw invalidRequest(problem)
  const confirmation = flag(call.query, 'confirmation') ?? false
  const seconds = Number(call.query.get('timeout') ?? 5)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 15)
    throw invalidRequest('INVALID_TIMEOUT_PARAMETER: timeout is 1 to 15 seconds.')
  checkPayload(call.body)
  const confirmWithinMs = confirmation ? seconds * confirmationSecondMs : undefined
  return { clientId, topic, payload: call.body, confirmWithinMs }
}

function directTopicProblem(topic: string): string | undefined {
  return topic.startsWith('$') ? `The topic "${topic}" is reserved.` : topicProblem(topic)
}

function checkPayload(payload: Buffer): void {
  if (payload.length > limits.payloadBytes)
    throw new AwsError(
      'RequestEntityTooLargeException',
      `A payload has at most ${limits.payloadBytes} bytes.`,
      413,
    )
}

function describe({ connections }: DataPlane, call: Call): object {
  const clientId = call.param('clientId')
  const connection = connections.find(clientId)
  if (connection === undefined) throw resourceNotFound(`${clientId} is not connected.`)
  const sockets = flag(call.query, 'includeSocketInformation') ?? false
  return { ...description(connection), ...(sockets ? connection.facts.addresses : {}) }
}

function description({ facts, connectedAt, ended }: Connection): object {
  return {
    clientId: facts.clientId,
    connected: ended === undefined,
    thingName: facts.principal.thingName,
    cleanSession: facts.clean,
    keepAliveDuration: facts.keepAliveSeconds,
    sessionExpiry: facts.clean ? 0 : limits.persistentSessionMs / 1000,
    connectedSince: connectedAt,
    disconnectedSince: ended?.at,
    disconnectReason: ended?.reason,
  }
}

/** Does not keep the client from connecting again; source: API_iotdata_DeleteConnection. */
async function disconnect(plane: DataPlane, call: Call): Promise<undefined> {
  const clientId = call.param('clientId')
  const dropSession = flag(call.query, 'cleanSession') ?? false
  const keepWill = flag(call.query, 'preventWillMessage') !== true
  const session = plane.connections.live(clientId)
  if (session === undefined && !plane.connections.hasPersistentSession(clientId))
    throw resourceNotFound(`${clientId} is not connected.`)
  if (session !== undefined)
    await plane.broker.disconnect(session, 'API_INITIATED_DISCONNECT', keepWill)
  if (!dropSession) return
  await plane.broker.dropPersistentSession(clientId)
  plane.connections.forget(clientId)
}

/** 200 whether or not anyone receives it; source: API_iotdata_Publish. */
function publish(plane: DataPlane, call: Call): undefined {
  const topic = call.param('topic')
  const problem = topicProblem(topic)
  if (problem !== undefined) throw invalidRequest(problem)
  checkPayload(call.body)
  const qos = call.query.get('qos') ?? '0'
  if (qos !== '0' && qos !== '1') throw invalidRequest('qos is 0 or 1.')
  const message = { topic, payload: call.body, qos: qos === '1' ? 1 : 0 } as const
  const expiresAt = expiryOf(call, plane.now())
  if (isRetained(call)) retain({ ...message, ...expiresAt }, plane)
  plane.rules.accept(message)
  plane.broker.publish(message)
}

function isRetained({ query, param }: Call): boolean {
  return (flag(query, 'retain') ?? false) && !param('topic').startsWith('$')
}

function expiryOf({ query }: Call, now: number): { expiresAt?: number } {
  const text = query.get('messageExpiry')
  if (text === null) return {}
  const seconds = Number(text)
  if (!/^\d+$/.test(text) || seconds > limits.messageExpirySeconds)
    throw invalidRequest(`messageExpiry is 0 to ${limits.messageExpirySeconds} seconds.`)
  return { expiresAt: now + seconds * 1_000 }
}

/** One a second and topic; source: iot-quotas, "Retained message publish requests". */
function retain(message: RetainedMessage, { retained }: DataPlane): void {
  if (!retained.takeTurn(message.topic))
    throw new AwsError(
      'ThrottlingException',
      `The retained message of ${message.topic} was changed less than a second ago.`,
      429,
    )
  retained.put(message)
}
