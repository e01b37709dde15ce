import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ServerTls } from '../types.ts'

export interface DoorOptions {
  readonly tls: ServerTls
  /** Path of the signing certificate. */
  readonly certificatePath: string
  /** PEM. */
  certificate(): string
  /** What a link in a message asks for: the status to answer with. */
  act(action: string, parameters: URLSearchParams): number
}

/** Where the links in messages lead, which nobody signs: the signing certificate, confirming, unsubscribing. */
export interface Door {
  /** `https://localhost:<port>` */
  readonly url: string
  close(): Promise<void>
}

export async function openDoor(options: DoorOptions): Promise<Door> {
  const { tls } = options
  const server = createServer({ cert: tls.cert, key: tls.key }, (request, response) =>
    answer(options, request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `https://localhost:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(options: DoorOptions, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'https://localhost')
  if (request.method !== 'GET') response.writeHead(405).end()
  else if (pathname === options.certificatePath) response.end(options.certificate())
  else if (pathname !== '/') response.writeHead(404).end()
  else response.writeHead(options.act(searchParams.get('Action') ?? '', searchParams)).end()
}
