import { faultFields, type JsonLog } from '@heliograph/aws/log'
import { answerChannels } from '@heliograph/core/channels/answer-channels'
import { type BroadcastOutcome, channelFingerprint } from '@heliograph/core/channels/broadcast'
import type { ChannelPorts } from '@heliograph/core/channels/channel-ports'
import type { Answer } from '@heliograph/core/send/answer'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { answerInTime, type HttpEvent, httpResult } from '../http.ts'

export function channelHandler(ports: Omit<ChannelPorts, 'outcomes'>, log: JsonLog) {
  const outcomes = { record: (outcome: BroadcastOutcome) => logBroadcast(log, outcome) }
  return async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    const answer = await answerInTime(event, {
      work: (request) => answerChannels(request, { ...ports, outcomes }),
      uuid: () => ports.ids.uuid(),
      now: () => ports.clock.now(),
      onFault: (fault) => log.error('channel failed', masked(faultFields(fault))),
    })
    if (answer.status >= 300) log.info('channel request refused', refusalFields(answer))
    return httpResult(answer)
  }
}

/** `broadcast` is counted by a metric filter. */
function logBroadcast(log: JsonLog, { kind, at: _at, ...fields }: BroadcastOutcome): void {
  log.line({ broadcast: kind, ...fields })
}

function refusalFields({ status, headers, body }: Answer) {
  const { 'apns-request-id': requestId, 'heliograph-detail': detail } = headers
  return { status, id: headers['apns-id'], requestId, detail, answer: body }
}

/** What AWS says of a fault may name the topic that was published to, and so the way into a channel. */
function masked(fields: ReturnType<typeof faultFields>): ReturnType<typeof faultFields> {
  const detail = String(fields.detail).replaceAll(
    /\b[A-Za-z0-9]{24}\b/g,
    (text) => `channel ${channelFingerprint(text as ChannelId)}`,
  )
  return { ...fields, detail }
}
