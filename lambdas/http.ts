import { withRequestId } from '@heliograph/core/channels/request-id'
import { type Answer, rejectionAnswer } from '@heliograph/core/send/answer'
import { chooseId, type ProviderRequest } from '@heliograph/core/send/provider-request'
import { reject } from '@heliograph/protocol/rejection'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { TOKEN_STAGE } from './settings.ts'

/** The part of API Gateway's payload 2.0 that a provider request is made from. */
export type HttpEvent = Pick<
  APIGatewayProxyEventV2,
  'rawPath' | 'headers' | 'body' | 'isBase64Encoded' | 'queryStringParameters'
> & {
  readonly requestContext: {
    readonly http: { readonly method: string; readonly sourceIp?: string }
    readonly stage?: string
    readonly authentication?: { readonly clientCert?: { readonly clientCertPem?: string } }
    /** When API Gateway had the request, milliseconds since the epoch. */
    readonly timeEpoch?: number
  }
}

export function providerRequest(event: HttpEvent): ProviderRequest {
  const { http } = event.requestContext
  return {
    method: http.method,
    path: pathOf(event),
    headers: event.headers,
    query: event.queryStringParameters ?? {},
    body: bodyOf(event),
    ...(isByToken(event)
      ? { clientCertificate: undefined, tokenSource: http.sourceIp ?? 'unknown' }
      : { clientCertificate: certificateOf(event) }),
  }
}

/**
 * Whether the request came through the domain that does not ask for certificates: then a
 * certificate is ignored.
 */
function isByToken({ requestContext }: HttpEvent): boolean {
  return requestContext.stage === TOKEN_STAGE
}

/** Empty or null if the gateway did not ask for a certificate: then there is no credential. */
function certificateOf({ requestContext }: HttpEvent): string | undefined {
  return requestContext.authentication?.clientCert?.clientCertPem || undefined
}

/** A path begins with the name of the stage, unless that is `$default` (AWS: payload format 2.0). */
function pathOf(event: HttpEvent): string {
  const prefix = `/${TOKEN_STAGE}/`
  const { rawPath } = event
  return isByToken(event) && rawPath.startsWith(prefix) ? rawPath.slice(prefix.length - 1) : rawPath
}

/**
 * API Gateway passes on bodies of some content types as text, in which bytes that are not UTF-8
 * have become U+FFFD; the length that it states is that of the original bytes.
 */
function bodyOf({ body = '', isBase64Encoded, headers }: HttpEvent): ProviderRequest['body'] {
  if (isBase64Encoded) return Buffer.from(body, 'base64')
  const bytes = Buffer.from(body, 'utf8')
  const replaced = body.includes('\ufffd') && Number(headers['content-length']) !== bytes.length
  return replaced ? 'not-utf8' : bytes
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

/** However late the function was started, it has this long: a clock may be wrong. */
const LEAST_MS = 1_000

/** What is left of the time to answer: starting an execution environment has taken its share. */
export function answerTimeMs({ requestContext }: HttpEvent, nowMs: number): number {
  const spent = Math.max(0, nowMs - (requestContext.timeEpoch ?? nowMs))
  return Math.max(LEAST_MS, ANSWER_WITHIN_MS - spent)
}

export interface Answering {
  /** Answers one request; may fail. */
  work(request: ProviderRequest): Promise<Answer>
  uuid(): string
  now(): number
  onFault(fault: unknown): void
}

/**
 * Answers in Apple's shape whatever happens behind: a fault or a late answer is 503, never 200. What
 * was queued after all is recognized by its apns-id when the provider sends again.
 */
export async function answerInTime(event: HttpEvent, answering: Answering): Promise<Answer> {
  const { work, uuid, now, onFault } = answering
  const withinMs = answerTimeMs(event, now())
  const request = providerRequest(event)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer within ${withinMs} ms`)), withinMs)
  })
  try {
    return await Promise.race([work(request), late])
  } catch (fault) {
    onFault(fault)
    const answer = rejectionAnswer(chooseId(request.headers['apns-id'], uuid), unavailable)
    return withRequestId(answer, request, uuid)
  } finally {
    clearTimeout(timer)
  }
}

const unavailable = reject(
  'ServiceUnavailable',
  'a part of the service did not answer: send again later',
)
