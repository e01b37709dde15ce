import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { keyOf, type ServerPair } from './authority.ts'

export interface Asked {
  readonly csr: string
  readonly activationCode: string
  /** Which key the request is for. */
  readonly key: string
  readonly contentType: string
  readonly at: number
}

export type AnswerActivation = (asked: Asked, response: ServerResponse) => Promise<void> | void

/** The activation endpoint of the scripted service. */
export interface Endpoint {
  readonly url: string
  readonly asked: Asked[]
  /** What is wrong with each request that is not one. */
  readonly malformed: string[]
  answer: AnswerActivation
  close(): Promise<void>
}

export async function startEndpoint(pair: ServerPair, answer: AnswerActivation): Promise<Endpoint> {
  const server = createServer(pair, (request, response) => {
    serve(endpoint, request, response).catch(() => response.destroy())
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint: Endpoint = {
    url: `https://localhost:${(server.address() as AddressInfo).port}/activate`,
    asked: [],
    malformed: [],
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return endpoint
}

async function serve(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = await readAsked(request).catch((error: unknown) => {
    endpoint.malformed.push(String(error))
  })
  if (!asked) return reply(response, 400, { reason: 'BadRequest', detail: 'not a request' })
  endpoint.asked.push(asked)
  await endpoint.answer(asked, response)
}

async function readAsked(request: IncomingMessage): Promise<Asked> {
  if (request.method !== 'POST') throw new Error(`the method is ${request.method}`)
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Partial<Asked>
  if (typeof body.csr !== 'string' || typeof body.activationCode !== 'string')
    throw new Error('csr or activationCode is missing')
  return {
    csr: body.csr,
    activationCode: body.activationCode,
    key: await keyOf(body.csr),
    contentType: request.headers['content-type'] ?? '',
    at: Date.now(),
  }
}

export function reply(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body))
}
