import { parsePushType, pushTypes } from '@heliograph/protocol/push-type'

/** What there is to say about a payload before it is sent. The edge judges for itself. */
export interface PayloadCheck {
  /** Bytes in UTF-8. */
  readonly bytes: number
  /** Bytes that the push type allows. */
  readonly most: number
  /** What is wrong with it. */
  readonly fault?: string
}

const utf8 = new TextEncoder()

export function checkPayload(text: string, pushType: string | undefined): PayloadCheck {
  const bytes = utf8.encode(text).length
  const most = pushTypes[parsePushType(pushType ?? '') ?? 'alert'].maxPayload
  const fault = faultOf(text) ?? (bytes > most ? tooLarge(bytes - most) : undefined)
  return { bytes, most, ...(fault && { fault }) }
}

const tooLarge = (over: number): string =>
  `This is ${over} ${over === 1 ? 'byte' : 'bytes'} over the limit: the service answers PayloadTooLarge.`

function faultOf(text: string): string | undefined {
  if (text.trim() === '') return 'There is no payload: the service answers PayloadEmpty.'
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? undefined : 'The payload has to be a JSON object: {…}'
  } catch (fault) {
    return `This is not JSON: ${explained(fault, text)}`
  }
}

/** The browser's own words, with the line where they name a place. */
function explained(fault: unknown, text: string): string {
  const message = fault instanceof Error ? fault.message : String(fault)
  const place = /position (\d+)/.exec(message)?.[1]
  if (place === undefined || message.includes('line ')) return `${message}.`
  const before = text.slice(0, Number(place)).split('\n')
  return `${message} (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}).`
}

/** The same value, with a line for each member; undefined where it is not JSON. */
export function formatted(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return undefined
  }
}

/** Payloads to start from, by push type. */
export function templateFor(pushType: string | undefined): string {
  return JSON.stringify(templates[pushType ?? ''] ?? templates.alert, null, 2)
}

const templates: Readonly<Record<string, object>> = {
  alert: { aps: { alert: { title: 'Hello', body: 'Sent from the console' }, sound: 'default' } },
  background: { aps: { 'content-available': 1 } },
  voip: { aps: {}, call: { from: 'Ada', id: '42' } },
  liveactivity: {
    aps: { timestamp: 0, event: 'update', 'content-state': { progress: 0.5 } },
  },
}
