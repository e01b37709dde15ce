import { faultFields, type Log } from '@heliograph/aws/log'
import { accept } from '@heliograph/core/send/accept'
import type { AcceptPorts } from '@heliograph/core/send/accept-ports'
import type { Answer } from '@heliograph/core/send/answer'
import { type Reason, rejections } from '@heliograph/protocol/rejection'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { answerInTime, type HttpEvent, httpResult } from '../http.ts'

export function acceptHandler(ports: AcceptPorts, log: Log) {
  return async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    const answer = await answerInTime(event, {
      work: (request) => accept(request, ports),
      uuid: () => ports.ids.uuid(),
      now: () => ports.clock.now(),
      onFault: (fault) => log.error('accept failed', faultFields(fault)),
    })
    if (answer.status !== 200) log.info('request refused', refusalFields(answer))
    if (answer.refused?.length) log.info('recipients refused', recipientFields(answer))
    return httpResult(answer)
  }
}

function refusalFields({ status, headers, body }: Answer) {
  return { status, id: headers['apns-id'], detail: headers['heliograph-detail'], answer: body }
}

/** How many recipients of one request were refused, by reason; `gone` counts those with 410. */
function recipientFields({ headers, refused = [] }: Answer) {
  const reasons: Partial<Record<Reason, number>> = {}
  for (const { reason } of refused) reasons[reason] = (reasons[reason] ?? 0) + 1
  const gone = refused.filter(({ reason }) => rejections[reason].status === 410).length
  return { id: headers['apns-id'], gone, reasons }
}
