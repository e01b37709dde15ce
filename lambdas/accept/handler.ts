import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { faultFields, type Log } from '../../aws/log.ts'
import { type AcceptPorts, accept } from '../../core/accept.ts'
import { answerInTime, type HttpEvent, httpResult, providerRequest } from '../http.ts'

export function acceptHandler(ports: AcceptPorts, log: Log) {
  return async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    const request = providerRequest(event)
    const answer = await answerInTime(
      request,
      accept(request, ports),
      () => ports.ids.uuid(),
      (fault) => log.error('accept failed', faultFields(fault)),
    )
    if (answer.status !== 200)
      log.info('request refused', { status: answer.status, ...refusalFields(answer) })
    return httpResult(answer)
  }
}

function refusalFields({
  headers,
  body,
}: {
  headers: Readonly<Record<string, string>>
  body?: string
}) {
  return { id: headers['apns-id'], detail: headers['heliograph-detail'], answer: body }
}
