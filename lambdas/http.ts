import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { type Answer, rejectionAnswer } from '../core/answer.ts'
import { chooseId, type ProviderRequest } from '../core/provider-request.ts'
import { reject } from '../core/rejection.ts'

/** The part of API Gateway's payload 2.0 that a provider request is made from. */
export type HttpEvent = Pick<
  APIGatewayProxyEventV2,
  'rawPath' | 'headers' | 'body' | 'isBase64Encoded' | 'queryStringParameters'
> & {
  readonly requestContext: {
    readonly http: { readonly method: string }
    readonly authentication?: { readonly clientCert?: { readonly clientCertPem?: string } }
  }
}

export function providerRequest(event: HttpEvent): ProviderRequest {
  return {
    method: event.requestContext.http.method,
    path: event.rawPath,
    headers: event.headers,
    query: event.queryStringParameters ?? {},
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    // empty or null where a gateway asked for none: then there is no credential
    clientCertificate: event.requestContext.authentication?.clientCert?.clientCertPem || undefined,
  }
}

export function httpResult(answer: Answer): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: answer.status,
    headers: { ...answer.headers },
    ...(answer.body === undefined ? {} : { body: answer.body }),
  }
}

/** Clients give up after 5 s (node-apn), so the answer comes a little before that. */
export const ANSWER_WITHIN_MS = 4_500

/**
 * Answers in Apple's shape whatever happens behind: a fault or a late answer is 503, never 200. What
 * was queued after all is recognised by its apns-id when the provider sends again.
 */
export async function answerInTime(
  request: ProviderRequest,
  work: Promise<Answer>,
  uuid: () => string,
  onFault: (fault: unknown) => void,
): Promise<Answer> {
  const unavailable = () =>
    rejectionAnswer(
      chooseId(request.headers['apns-id'], uuid),
      reject('ServiceUnavailable', 'a part of the service did not answer: send again later'),
    )
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => {
      onFault(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`))
      resolve(unavailable())
    }, ANSWER_WITHIN_MS)
  })
  const done = work.catch((fault: unknown) => {
    onFault(fault)
    return unavailable()
  })
  return Promise.race([done, late]).finally(() => clearTimeout(timer))
}
