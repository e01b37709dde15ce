import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { safetyHeaders } from './headers.ts'

/** A file of the page. */
export interface PageFile {
  /** Its path below the root, with `/` between folders. */
  readonly name: string
  readonly bytes: Uint8Array
}

interface Page {
  readonly type: string
  readonly etag: string
  readonly bytes: Uint8Array
}

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  map: 'application/json; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  woff2: 'font/woff2',
}

const INDEX = '/index.html'

/** Answers with the page's files; they hold nothing that is worth a session. */
export type Pages = (request: IncomingMessage, response: ServerResponse, path: string) => void

/**
 * The files are known by their names, so that no path leads out of their folder. Every path that is none of them is a
 * view of the page, and gets its document; a script or an image that is missing is not a view.
 */
export function pagesOf(files: readonly PageFile[]): Pages {
  const known = new Map(files.map(({ name, bytes }) => [`/${name}`, pageOf(name, bytes)]))
  return (request, response, path) => {
    const { 'sec-fetch-dest': wanted = 'document', 'if-none-match': held } = request.headers
    const page = known.get(path) ?? (wanted === 'document' ? known.get(INDEX) : undefined)
    if (!page) return void response.writeHead(404, safetyHeaders).end()
    const headers = { ...safetyHeaders, 'cache-control': 'no-cache', etag: page.etag }
    if (held === page.etag) return void response.writeHead(304, headers).end()
    const { type, bytes } = page
    response.writeHead(200, { ...headers, 'content-type': type, 'content-length': bytes.length })
    response.end(request.method === 'HEAD' ? undefined : bytes)
  }
}

function pageOf(name: string, bytes: Uint8Array): Page {
  const type = types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
  const hash = createHash('sha256').update(bytes).digest('base64url')
  return { type, bytes, etag: `"${hash.slice(0, 22)}"` }
}
