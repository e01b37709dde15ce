import { faultFields, type Log } from '@heliograph/aws/log'
import { type ReadReceiptPorts, readReceipt } from '@heliograph/core/receipts/read-receipt'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { answerInTime, type HttpEvent, httpResult } from '../http.ts'

export function receiptHandler(ports: ReadReceiptPorts, log: Log) {
  return async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    const answer = await answerInTime(event, {
      work: (request) => readReceipt(request, ports),
      uuid: () => ports.ids.uuid(),
      now: () => ports.clock.now(),
      onFault: (fault) => log.error('receipt failed', faultFields(fault)),
    })
    return httpResult(answer)
  }
}
