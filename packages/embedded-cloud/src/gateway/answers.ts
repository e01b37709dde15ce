import type { Answer } from './options.ts'
import type { Refusal } from './refusals.ts'

/** API Gateway's own answers are `{"message":"…"}`; HTTP APIs cannot change that. */
export function refuse({ status, message }: Refusal): Answer {
  const body = Buffer.from(JSON.stringify({ message }))
  return { status, headers: { 'content-type': 'application/json' }, body }
}

/** Why a function's result is not an answer, as a text for the log. */
export interface InvalidResult {
  readonly invalid: string
}

/**
 * Reads what a function returned as HTTP APIs do for payload format 2.0: anything without a
 * `statusCode` is sent as JSON with 200 (as AWS was seen to do: aws/aws-lambda-dotnet
 * `LambdaTestTool-v2`), anything with one must have the documented form.
 */
export function readResult(result: unknown): Answer | InvalidResult {
  if (!isObject(result) || !('statusCode' in result)) return inferAnswer(result)
  const { statusCode, headers, body, isBase64Encoded, cookies } = result
  const status = readStatus(statusCode)
  if (status === undefined) return { invalid: 'statusCode is not a number from 200 to 599' }
  if (body !== undefined && body !== null && typeof body !== 'string') {
    return { invalid: 'body is not a string' }
  }
  const fields = readHeaders(headers)
  if (typeof fields === 'string') return { invalid: fields }
  if (!isCookieList(cookies)) return { invalid: 'cookies is not an array of strings' }
  return {
    status,
    headers: {
      ...defaultType(status),
      ...fields,
      ...(cookies && { 'set-cookie': cookies.map(toBytes) }),
    },
    body: Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8'),
  }
}

function inferAnswer(result: unknown): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(result ?? null)),
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** 1xx cannot end an exchange. */
function readStatus(value: unknown): number | undefined {
  const status = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  const usable = Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599
  return usable ? Number(status) : undefined
}

function isCookieList(value: unknown): value is readonly string[] | undefined {
  if (value === undefined) return true
  return Array.isArray(value) && value.every((item) => isCookie(item))
}

function isCookie(value: unknown): boolean {
  return typeof value === 'string' && fieldValue.test(value)
}

function defaultType(status: number): Record<string, string> {
  return hasNoBody(status) ? {} : { 'content-type': 'text/plain;charset=UTF-8' }
}

/** RFC 9110 sections 15.3.5 and 15.4.5. */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 304
}

/** RFC 9110 section 5.6.2 and 5.5; a value keeps to printable characters, so that no line can be added. */
const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must stay out
const fieldValue = /^[^\u0000-\u0008\u000a-\u001f\u007f]*$/

/** Headers that belong to one connection or that the gateway computes. */
const dropped = new Set([
  'connection',
  'content-length',
  'date',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function readHeaders(value: unknown): Record<string, string> | string {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) return 'headers is not an object'
  const fields: [string, string][] = []
  for (const [name, item] of Object.entries(value)) {
    if (!['string', 'number', 'boolean'].includes(typeof item)) {
      return `the header ${name} has no text for a value`
    }
    const text = String(item)
    if (!fieldName.test(name) || !fieldValue.test(text)) {
      return `the header ${JSON.stringify(name)} cannot be sent`
    }
    if (!dropped.has(name.toLowerCase())) fields.push([name.toLowerCase(), toBytes(text)])
  }
  return Object.fromEntries(fields)
}

/** Node writes one byte per character; text beyond ASCII goes out as UTF-8. */
function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
