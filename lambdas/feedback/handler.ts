import { faultFields, type Log } from '@heliograph/aws/log'
import { type FeedbackPorts, readFeedback } from '@heliograph/core/send/feedback'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { answerInTime, type HttpEvent, httpResult } from '../http.ts'

export function feedbackHandler(ports: FeedbackPorts, log: Log) {
  return async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    const answer = await answerInTime(event, {
      work: (request) => readFeedback(request, ports),
      uuid: () => ports.ids.uuid(),
      now: () => ports.clock.now(),
      onFault: (fault) => log.error('feedback failed', faultFields(fault)),
    })
    return httpResult(answer)
  }
}
