import type { Reply } from './exchange.ts'
import { textOf } from './xml.ts'

/** An error answer from a service; `name` says which one. */
export class ServiceFault extends Error {
  readonly $fault: 'client' | 'server'
  readonly $metadata: { readonly httpStatusCode: number; readonly requestId: string | undefined }

  constructor(name: string, message: string, { status, headers }: Reply) {
    super(message)
    this.name = name
    this.$fault = status < 500 ? 'client' : 'server'
    this.$metadata = {
      httpStatusCode: status,
      requestId: [headers['x-amzn-requestid']].flat()[0],
    }
  }
}

/** The exceptions of a service that its callers tell apart, by their names on the wire. */
export type FaultClasses = Readonly<Record<string, typeof ServiceFault>>

/**
 * The error in an answer: its name is in the header `x-amzn-errortype` or in the body's `__type`
 * or `code`, perhaps with a namespace and `#` before it and `:` and a URL after it; without a name it
 * is `Unknown`, as in the SDK
 * (Smithy: "AWS JSON 1.0 protocol", "Operation error serialization"). An answer in XML has `Code` and `Message`
 * ("AWS Query protocol").
 */
export function faultOf(reply: Reply, classes: FaultClasses): ServiceFault {
  const body = parse(reply.body)
  const type = reply.headers['x-amzn-errortype'] ?? body.__type ?? body.code ?? body.Code
  const name = plainName(typeof type === 'string' ? type : 'Unknown')
  const message = String(body.message ?? body.Message ?? `the service answered ${reply.status}`)
  const Class = Object.hasOwn(classes, name) ? classes[name] : undefined
  return new (Class ?? ServiceFault)(name, message, reply)
}

function plainName(type: string): string {
  const [name = type] = type.split(/[:,]/, 1)
  return name.slice(name.indexOf('#') + 1)
}

function parse(body: string): Readonly<Record<string, unknown>> {
  if (body.startsWith('<')) return { Code: textOf(body, 'Code'), Message: textOf(body, 'Message') }
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
