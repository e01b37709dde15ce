import { MAX_MULTICAST_BYTES, MAX_RECIPIENTS } from '@heliograph/protocol/limits'
import type { PushType } from '@heliograph/protocol/push-type'
import { isRejection, type Rejection, reject } from '@heliograph/protocol/rejection'
import { isObject, parseJson, readPayload, readText } from './payload.ts'
import type { ProviderRequest } from './provider-request.ts'

/** The content of the body of a request to many devices. */
export interface MulticastBody {
  /** At least one; each is checked separately, whatever it is. */
  readonly tokens: readonly unknown[]
  /** The text of the payload as it is in the body. */
  readonly payload: string
}

/**
 * `{"tokens":["<64 hex>",…],"payload":{…}}`. The payload is cut out and not rebuilt, so that its bytes reach the devices as they were sent. Any other member is refused, because its sender expects it to have an effect.
 */
export function readMulticastBody(
  body: ProviderRequest['body'],
  pushType: PushType,
): MulticastBody | Rejection {
  if (body.length > MAX_MULTICAST_BYTES)
    return reject(
      'PayloadTooLarge',
      `the body has ${body.length} bytes, over ${MAX_MULTICAST_BYTES}`,
    )
  const text = readText(body)
  if (typeof text !== 'string') return text
  const value = parseJson(text)
  if (!isObject(value)) return reject('PayloadEmpty', 'the body is not a JSON object, {…}')
  const members = membersOf(text)
  const odd = findOdd(members)
  if (odd !== undefined)
    return reject('PayloadEmpty', `the body has ${odd}: it must have tokens and payload, once each`)
  const { tokens } = value as { readonly tokens?: unknown }
  if (!Array.isArray(tokens) || tokens.length === 0) return noTokens
  if (tokens.length > MAX_RECIPIENTS)
    return reject('PayloadTooLarge', `there are ${tokens.length} tokens, over ${MAX_RECIPIENTS}`)
  const payload = members.find(({ name }) => name === 'payload')
  if (!payload) return reject('PayloadEmpty', 'the body has no payload')
  const read = readPayload(Buffer.from(payload.value), pushType)
  return isRejection(read) ? read : { ...read, tokens }
}

const noTokens = reject('MissingDeviceToken', 'tokens is not a list of at least one device token')

/** A member, as it appears in the object's text. */
interface Member {
  readonly name: string
  readonly value: string
}

/** A description of the first member that is unknown or appears twice. */
function findOdd(members: readonly Member[]): string | undefined {
  const seen = new Set<string>()
  for (const { name } of members) {
    if (seen.has(name)) return `${name} twice`
    if (name !== 'tokens' && name !== 'payload') return `a member "${name}"`
    seen.add(name)
  }
  return undefined
}

/**
 * The members of the object in a text that is known to be JSON, so only quotes and brackets have to
 * be examined.
 */
function membersOf(text: string): Member[] {
  const members: Member[] = []
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at)) {
    const nameEnd = endOfString(text, at)
    const name = JSON.parse(text.slice(at, nameEnd)) as string
    const valueAt = text.indexOf(':', nameEnd) + 1
    at = endOfValue(text, valueAt)
    members.push({ name, value: text.slice(valueAt, at).trim() })
  }
  return members
}

/** The position of the comma or bracket that ends the value starting at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let at = start; ; at += 1) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at) - 1
    else if (character === '{' || character === '[') depth += 1
    else if (depth === 0 && (character === ',' || character === '}')) return at
    else if (character === '}' || character === ']') depth -= 1
  }
}

/** The position just after the string whose first quote is at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}
