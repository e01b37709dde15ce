import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Json } from '../assembly/json.ts'
import type { ServerTls } from '../types.ts'

/** Takes the answers that the functions of custom resources PUT to their ResponseURL. */
export interface ResponseServer {
  readonly port: number
  /** A new URL, and the JSON that will be put there. */
  expect(): { readonly url: string; readonly answer: Promise<Json> }
  close(): Promise<void>
}

/** CloudFormation takes answers of 4096 bytes. */
const longestAnswer = 4096

/** HTTPS on loopback, since functions put their answers with `node:https` whatever the URL says. */
export async function startResponseServer(tls: ServerTls): Promise<ResponseServer> {
  const waiting = new Map<string, (answer: Json) => void>()
  const server = createServer({ cert: tls.cert, key: tls.key }, (request, response) => {
    takeAnswer(request, response, waiting).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    expect() {
      const path = `/${randomUUID()}`
      const answer = new Promise<Json>((resolve) => waiting.set(path, resolve))
      return { url: `https://localhost:${port}${path}`, answer }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function takeAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  waiting: Map<string, (answer: Json) => void>,
): Promise<void> {
  const body = await readBody(request)
  const resolve = waiting.get(request.url ?? '')
  const status = statusFor(request, body, resolve)
  response.writeHead(status).end()
  if (status !== 200) return
  waiting.delete(request.url ?? '')
  resolve?.(parsed(body))
}

function statusFor(request: IncomingMessage, body: string, resolve: unknown): number {
  if (request.method !== 'PUT' || resolve === undefined) return 403
  return body.length > longestAnswer ? 413 : 200
}

function parsed(body: string): Json {
  try {
    return JSON.parse(body) as Json
  } catch {
    return { Status: 'FAILED', Reason: 'its function answered with something that is not JSON' }
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
