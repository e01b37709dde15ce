import { type PushType, pushTypes } from '@heliograph/protocol/push-type'
import { type Rejection, reject } from '@heliograph/protocol/rejection'
import type { ProviderRequest } from './provider-request.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The payload's text, checked to be one JSON object within its push type's limit and not rebuilt.
 * Apple has no reason for a body that is not JSON; `PayloadEmpty` says that it contains no payload.
 */
export function readPayload(
  body: ProviderRequest['body'],
  pushType: PushType,
): { payload: string } | Rejection {
  return readPayloadWithin(body, pushTypes[pushType].maxPayload)
}

/** The same with a limit in bytes. */
export function readPayloadWithin(
  body: ProviderRequest['body'],
  maxPayload: number,
): { payload: string } | Rejection {
  if (body !== 'not-utf8' && body.length > maxPayload)
    return reject('PayloadTooLarge', `the payload has ${body.length} bytes, over ${maxPayload}`)
  const text = readText(body)
  if (typeof text !== 'string') return text
  return isObject(parseJson(text))
    ? { payload: text }
    : reject('PayloadEmpty', 'the payload is not a JSON object, {…}')
}

/** The text of a body that has one. */
export function readText(body: ProviderRequest['body']): string | Rejection {
  if (body === 'not-utf8') return notUtf8
  if (body.length === 0) return reject('PayloadEmpty', 'the request has no body')
  try {
    return utf8.decode(body)
  } catch {
    return notUtf8
  }
}

const notUtf8 = reject('PayloadEmpty', 'the payload is not text in UTF-8')

/** `JSON.parse` does not recurse on nesting, so no depth within the limit can exhaust the stack. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
