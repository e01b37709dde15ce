import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { faultFields, type Log } from '../../aws/log.ts'
import { type AcceptPorts, accept } from '../../core/accept.ts'
import type { Answer } from '../../core/answer.ts'
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
    return httpResult(answer)
  }
}

function refusalFields({ status, headers, body }: Answer) {
  return { status, id: headers['apns-id'], detail: headers['heliograph-detail'], answer: body }
}
