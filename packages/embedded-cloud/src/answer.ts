import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** How the services of the embedded cloud are asked and answer in the wire forms that AWS uses. */

/** An error that goes back to the caller as the service's own error. */
export class AwsError extends Error {
  /** The error's name as an SDK knows it, for example `ResourceNotFoundException`. */
  readonly code: string
  readonly status: number
  /** More fields of the error's body. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, message: string, status = 400, details: Record<string, unknown> = {}) {
    super(message)
    this.name = 'AwsError'
    this.code = code
    this.status = status
    this.details = details
  }
}

/**
 * The input of an operation in an AWS JSON protocol; `hint` is for callers who may have meant
 * another protocol.
 */
export function parseInput(body: Buffer, hint = ''): Record<string, unknown> {
  try {
    const input: unknown = JSON.parse(body.toString('utf8'))
    if (typeof input === 'object' && input !== null) return { ...input }
  } catch {}
  throw new AwsError('SerializationException', `The body is not a JSON object${hint}.`)
}

export type AnswerHeaders = Readonly<Record<string, string | number>>

/** Writes a whole answer with its length and a request id. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: AnswerHeaders,
  body: string | Uint8Array,
): void {
  response.writeHead(status, {
    'x-amzn-requestid': randomUUID(),
    'content-length': typeof body === 'string' ? Buffer.byteLength(body) : body.length,
    ...headers,
  })
  response.end(body)
}

/** Answers in an AWS JSON protocol; `version` is 1.0 (DynamoDB, SQS) or 1.1 (KMS). */
export function answerJson(
  response: ServerResponse,
  value: unknown,
  version: '1.0' | '1.1' = '1.0',
): void {
  answer(
    response,
    200,
    { 'content-type': `application/x-amz-json-${version}` },
    JSON.stringify(value),
  )
}

/** An error in an AWS JSON protocol. */
export function answerJsonError(
  response: ServerResponse,
  error: AwsError,
  version: '1.0' | '1.1' = '1.0',
  headers: AnswerHeaders = {},
): void {
  const body = JSON.stringify({ __type: error.code, message: error.message, ...error.details })
  const type = `application/x-amz-json-${version}`
  answer(response, error.status, { 'content-type': type, ...headers }, body)
}

/** The sentence in which IAM refuses an identity that no policy allows an action. */
export function notAuthorized(caller: string, action: string, resource: string): string {
  return `User: ${caller} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`
}

const xmlEntities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** Text made fit for XML content and attributes. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => xmlEntities[character] ?? character)
}

/** Services that answer in XML rather than JSON, even if a request has no body that shows it. */
const xmlServices = new Set(['s3', 'cloudformation', 'sns', 'sts', 'cloudfront', 'route53'])

/** A form is a request in the Query protocol, whose answers are XML (Smithy: "AWS Query protocol"). */
const formType = 'application/x-www-form-urlencoded'

/**
 * An error in the wire form of the service whose SigV4 signing name is given; '' when it is unknown.
 * `requestType` is the request's content type, which tells of services that are not known here.
 */
export function answerServiceError(
  response: ServerResponse,
  service: string,
  status: number,
  code: string,
  message: string,
  requestType = '',
): void {
  if (xmlServices.has(service) || requestType.startsWith(formType)) {
    answer(
      response,
      status,
      { 'content-type': 'application/xml' },
      errorXml(service, code, message),
    )
    return
  }
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': code }
  answer(response, status, headers, JSON.stringify({ __type: code, message }))
}

function errorXml(service: string, code: string, message: string): string {
  const fields = `<Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message>`
  const id = `<RequestId>${randomUUID()}</RequestId>`
  const xml = '<?xml version="1.0" encoding="UTF-8"?>'
  if (service === 's3') return `${xml}<Error>${fields}${id}</Error>`
  // Smithy: "AWS EC2 Query protocol"
  if (service === 'ec2')
    return `${xml}<Response><Errors><Error>${fields}</Error></Errors><RequestID>${randomUUID()}</RequestID></Response>`
  return `${xml}<ErrorResponse><Error><Type>Sender</Type>${fields}</Error>${id}</ErrorResponse>`
}
