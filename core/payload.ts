import type { ProviderRequest } from './provider-request.ts'
import { type PushType, pushTypes } from './push-type.ts'
import { type Rejection, reject } from './rejection.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The payload's text, checked to be one JSON object within its push type's limit and not rebuilt.
 * Apple names no reason for what is no JSON: `PayloadEmpty` says that there is no payload in it.
 */
export function readPayload(
  body: ProviderRequest['body'],
  pushType: PushType,
): { text: string } | Rejection {
  const { maxPayload } = pushTypes[pushType]
  if (body === 'not-utf8') return notUtf8
  if (body.length === 0) return reject('PayloadEmpty', 'the request has no body')
  if (body.length > maxPayload)
    return reject('PayloadTooLarge', `the payload has ${body.length} bytes, over ${maxPayload}`)
  const text = decode(body)
  if (text === undefined) return notUtf8
  return isJsonObject(text)
    ? { text }
    : reject('PayloadEmpty', 'the payload is not a JSON object, {…}')
}

const notUtf8 = reject('PayloadEmpty', 'the payload is not text in UTF-8')

function decode(body: Uint8Array): string | undefined {
  try {
    return utf8.decode(body)
  } catch {
    return undefined
  }
}

/** `JSON.parse` does not recurse on the nesting, so that no depth within the limit can exhaust the stack. */
function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
