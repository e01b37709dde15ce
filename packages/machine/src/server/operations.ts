import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Listening, listenOn } from './tls.ts'

export interface OperationsOptions {
  readonly listen: Listening
  readonly metrics: () => Promise<{ readonly type: string; readonly body: string }>
  /** What is wrong with the service, as a sentence; undefined when nothing is. */
  readonly problem: () => string | undefined
}

export interface OperationsServer {
  readonly port: number
  close(): Promise<void>
}

/** Plain HTTP for the machine's own monitoring: `/metrics` and `/healthz`; it belongs on loopback. */
export async function startOperations(options: OperationsOptions): Promise<OperationsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0]
    if (request.method !== 'GET') return send(response, 405, 'only GET\n')
    if (path === '/healthz') {
      const problem = options.problem()
      return send(response, problem ? 503 : 200, `${problem ?? 'ok'}\n`)
    }
    if (path !== '/metrics') return send(response, 404, 'there are /metrics and /healthz\n')
    options.metrics().then(
      ({ type, body }) => send(response, 200, body, type),
      () => send(response, 500, 'the metrics cannot be read\n'),
    )
  })
  server.requestTimeout = 5_000
  server.maxConnections = 50
  await listenOn(server, options.listen, 'metrics')
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type }).end(body)
}
