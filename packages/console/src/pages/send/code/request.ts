/** A notification as it would be sent, and who sends it. */
export interface SendRequest {
  /** `https://host:port` of the provider edge. */
  readonly url: string
  /** The edge has a certificate of a private CA. */
  readonly privateAuthority: boolean
  readonly credential: Credential
  readonly token: string
  readonly topic?: string
  readonly pushType?: string
  readonly priority?: string
  readonly expiration?: string
  readonly collapseId?: string
  readonly id?: string
  /** JSON text. */
  readonly payload: string
}

export type Credential =
  | { readonly kind: 'certificate' }
  | { readonly kind: 'key'; readonly keyId: string; readonly teamId: string }

/** The `apns-` headers that were given, in Apple's order. */
export function headersOf(
  request: SendRequest,
): readonly (readonly [name: string, value: string])[] {
  const headers = [
    ['apns-topic', request.topic],
    ['apns-push-type', request.pushType],
    ['apns-priority', request.priority],
    ['apns-expiration', request.expiration],
    ['apns-collapse-id', request.collapseId],
    ['apns-id', request.id],
  ] as const
  return headers.flatMap(([name, value]) => (value ? [[name, value] as const] : []))
}

export interface Host {
  readonly name: string
  readonly port: number
}

export function hostOf(url: string): Host {
  const { hostname, port } = new URL(url)
  return { name: hostname, port: port === '' ? 443 : Number(port) }
}

/** A literal in quotation marks: the escapes of JSON are those of JavaScript, Python and Java, too. */
export const quoted = (text: string): string => JSON.stringify(text)

/** Lines of which some were left out. */
export function lines(...all: readonly (string | false | undefined)[]): string {
  return all.filter((line) => line !== false && line !== undefined).join('\n')
}

/** A number of the request; what is not one is shown as the text that it is, and does nothing. */
export const number = (text: string): string => (/^-?\d{1,15}$/.test(text) ? text : quoted(text))
