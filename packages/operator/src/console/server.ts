import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Failure } from '../failure.ts'
import { API, ENTRANCE, judgeKnock, type OwnAddress } from './access/door.ts'
import { type Access, cookieNameOf, cookieOf, sessionCookie } from './access/session.ts'
import { type Api, refuse } from './answer.ts'
import { ApiFailure } from './failure.ts'
import { safetyHeaders } from './http/headers.ts'
import type { Pages } from './http/pages.ts'
import { HEADERS_MS, MAX_CONNECTIONS, MAX_HEADER_BYTES, REQUEST_MS } from './limits.ts'

export interface ConsoleServerOptions {
  /** 0 takes any that is free. */
  readonly port: number
  /** A name of this console alone, below `.localhost`. */
  readonly name: string
  readonly access: Access
  readonly api: Api
  readonly pages: Pages
  /** Somebody who may has asked for something. */
  touched(): void
  /** Somebody came with a key that is not, or no longer, that of the session. */
  suspicious(what: string): void
}

export interface ConsoleServer {
  readonly port: number
  /** With the key; good for one time. */
  readonly url: string
  close(): Promise<void>
}

/** The one request that does not count as use: the page asks it to know how long there is. */
const LOOK = '/api/session'

/** Serves the page and its API to whoever has the key, on loopback. */
export async function startConsoleServer(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const server = createServer({
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: MAX_HEADER_BYTES,
  })
  server.maxConnections = MAX_CONNECTIONS
  const port = await listen(server, options.port)
  const names = [options.name, '127.0.0.1', 'localhost']
  const place = { address: { names, port }, cookie: cookieNameOf(port) }
  server.on('request', (request, response) => answer(request, response, { ...options, ...place }))
  // a protocol that is not spoken here
  server.on('upgrade', (_request, socket) => socket.destroy())
  return {
    port,
    url: `http://${options.name}:${port}${ENTRANCE}?key=${options.access.key}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      // streams have been told; who still asks has a moment for the answer
      setTimeout(() => server.closeAllConnections(), 500).unref()
      await closed
    },
  }
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen({ host: '127.0.0.1', port, exclusive: true })
  try {
    await once(server, 'listening')
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw fault
    throw new Failure(
      'failed',
      `port ${port} cannot be had (${code}): give another --port, or 0 for any that is free`,
      { cause: fault },
    )
  }
  return (server.address() as AddressInfo).port
}

interface Place {
  readonly address: OwnAddress
  readonly cookie: string
}

type Served = ConsoleServerOptions & Place

function answer(request: IncomingMessage, response: ServerResponse, served: Served): void {
  const { method = '', url: target = '', headers } = request
  const refusal = judgeKnock({ method, target, headers }, served.address)
  const path = target.split('?')[0] ?? ''
  if (refusal) refuse(response, new ApiFailure(refusal.kind, refusal.message))
  else if (path === ENTRANCE && method === 'GET') enter(target, response, served)
  else if (!path.startsWith(API)) served.pages(request, response, path)
  else if (!served.access.isSession(cookieOf(headers.cookie, served.cookie)))
    refuse(response, noSession())
  else answerApi(request, response, { ...served, path })
}

function answerApi(
  request: IncomingMessage,
  response: ServerResponse,
  { api, touched, path }: Served & { readonly path: string },
): void {
  const isStream = request.headers.accept?.includes('text/event-stream') ?? false
  if (path !== LOOK && !isStream) touched()
  void api.answer(request, response)
}

const noSession = () =>
  new ApiFailure(
    'session',
    'this browser has no session here: open the address that heliograph console printed, or start it again',
  )

/** Turns the key in the address into a cookie, and leads to an address without it. */
function enter(target: string, response: ServerResponse, served: Served): void {
  const key = new URLSearchParams(target.split('?')[1]).get('key') ?? ''
  const entry = served.access.enter(key)
  const headers = { ...safetyHeaders, 'cache-control': 'no-store' }
  if ('secret' in entry) {
    served.touched()
    const cookie = sessionCookie(served.cookie, entry.secret)
    response.writeHead(303, { ...headers, location: '/', 'set-cookie': cookie }).end()
    return
  }
  served.suspicious(sentences[entry.refused])
  response
    .writeHead(403, { ...headers, 'content-type': 'text/plain; charset=utf-8' })
    .end(`${sentences[entry.refused]}\n`)
}

const sentences = {
  wrong: 'This is not the key of this console: use the address that heliograph console printed.',
  used: 'This address was opened before, and works once: end the console and start it again. If it was not you who opened it, somebody else has your session.',
  closed: 'Too many wrong keys were tried: end the console and start it again.',
} as const
