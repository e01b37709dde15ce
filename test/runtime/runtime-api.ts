import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { FunctionFault } from '../../packages/embedded-cloud/src/types.ts'

/** One invocation as the runtime's client gets it. */
export interface Invocation {
  readonly requestId: string
  /** JSON. */
  readonly payload: string
  /** Milliseconds since the epoch. */
  readonly deadline: number
  readonly functionArn: string
}

/** The Lambda Runtime API for one execution environment (AWS Lambda: "Using the Lambda runtime API"). */
export interface RuntimeApi {
  /** `host:port`, what AWS_LAMBDA_RUNTIME_API holds. */
  readonly address: string
  /** Resolves when the client asks for its first invocation; rejects with its initialization error. */
  readonly initialized: Promise<void>
  /** Resolves with the response's JSON; rejects with a FunctionFault. One at a time. */
  invoke(invocation: Invocation): Promise<string>
  close(): Promise<void>
}

interface Settling<T> {
  resolve(value: T): void
  reject(fault: FunctionFault): void
}

/** Of what the client posts: which invocation it is about, if any, and whether it went well. */
const posted = /^\/2018-06-01\/runtime\/(?:init|invocation\/([^/]+))\/(response|error)$/

export async function startRuntimeApi(): Promise<RuntimeApi> {
  let init: Settling<void> | undefined
  let pending: (Settling<string> & { readonly requestId: string }) | undefined
  let asking: ((invocation: Invocation) => void) | undefined
  const waiting: Invocation[] = []

  function hand(response: ServerResponse, invocation: Invocation): void {
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.requestId,
      'lambda-runtime-deadline-ms': String(invocation.deadline),
      'lambda-runtime-invoked-function-arn': invocation.functionArn,
    })
    response.end(invocation.payload)
  }

  function next(response: ServerResponse): void {
    init?.resolve()
    const invocation = waiting.shift()
    if (invocation) hand(response, invocation)
    else asking = (later) => hand(response, later)
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, requestId, kind] = posted.exec(request.url ?? '') ?? []
    const body = await text(request)
    const settling = requestId === undefined ? init : takePending(requestId)
    response.writeHead(settling ? 202 : 404).end('{"status":"OK"}')
    if (kind === 'error') settling?.reject(faultOf(body))
    else (settling as Settling<string> | undefined)?.resolve(body)
  }

  function takePending(requestId: string): Settling<string> | undefined {
    const found = pending?.requestId === requestId ? pending : undefined
    if (found) pending = undefined
    return found
  }

  const server = createServer((request, response) => {
    if (request.method === 'GET') next(response)
    else void take(request, response)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    initialized: new Promise((resolve, reject) => {
      init = { resolve, reject }
    }),
    invoke: (invocation) =>
      new Promise((resolve, reject) => {
        pending = { requestId: invocation.requestId, resolve, reject }
        const handOver = asking
        asking = undefined
        if (handOver) handOver(invocation)
        else waiting.push(invocation)
      }),
    close() {
      server.closeAllConnections()
      return new Promise((closed) => server.close(() => closed()))
    },
  }
}

function faultOf(body: string): FunctionFault {
  const { errorType, errorMessage } = JSON.parse(body) as Record<string, string>
  return new FunctionFault(errorType ?? 'Unknown', errorMessage ?? '')
}
