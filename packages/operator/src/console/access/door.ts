import type { ApiError } from '../api.ts'

/** What decides whether a request may come in, before anything is done about it. */
export interface Knock {
  readonly method: string
  /** The request target as it was sent. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** How the console is reached: by these names, at this port. */
export interface OwnAddress {
  readonly names: readonly string[]
  readonly port: number
}

/** Every path of the API begins with it; all others are the page's. */
export const API = '/api/'

/** Where the key is handed in. */
export const ENTRANCE = '/enter'

/** The header that a form, an image or a link of another page cannot send without being asked first (CORS preflight). */
const MARK = 'heliograph-console'

/**
 * Whether a request comes from the console's own page, in its own place; why not, where it does not. A name that leads
 * here and is not ours is a page elsewhere that had its name resolved anew (DNS rebinding).
 */
export function judgeKnock(knock: Knock, address: OwnAddress): ApiError | undefined {
  const { method, target, headers } = knock
  const hosts = address.names.map((name) => `${name}:${address.port}`)
  const { host } = headers
  if (typeof host !== 'string' || !hosts.includes(host)) return forbidden('this is not its host')
  // the absolute form is for proxies, and names a host of its own
  if (!target.startsWith('/')) return forbidden('the console is no proxy')
  if (!isOwnOrigin(headers.origin, host)) return forbidden('another page asks')
  const isApi = target.startsWith(API)
  // a page elsewhere could use up the wrong keys that are looked at, and nobody would get in any more
  const isGuarded = isApi || target.split('?')[0] === ENTRANCE
  if (method === 'GET' || (method === 'HEAD' && !isApi))
    return isGuarded && !isOwnSite(headers, ['same-origin', 'none'])
      ? forbidden('another page asks')
      : undefined
  if (method !== 'POST' || !isApi) return { kind: 'method', message: `${method} is not taken here` }
  return judgeChange(headers)
}

/** What changes something must come from a script of the page itself. */
function judgeChange(headers: Knock['headers']): ApiError | undefined {
  if (headers.origin === undefined || !isOwnSite(headers, ['same-origin']))
    return forbidden('another page asks')
  if (headers[MARK] !== '1') return forbidden(`the header ${MARK} is missing`)
  if (!/^application\/json(?:;\s*charset=utf-8)?$/i.test(String(headers['content-type'])))
    return { kind: 'mediaType', message: 'send the body as application/json' }
  return undefined
}

/** Browsers send it with everything but plain navigation; it is `null` where a page hides itself. */
function isOwnOrigin(origin: Knock['headers'][string], host: string): boolean {
  return origin === undefined || origin === `http://${host}`
}

/** Fetch Metadata; what is no browser, or an old one, does not send it. */
function isOwnSite({ 'sec-fetch-site': site }: Knock['headers'], own: readonly string[]): boolean {
  return site === undefined || (typeof site === 'string' && own.includes(site))
}

function forbidden(why: string): ApiError {
  return {
    kind: 'forbidden',
    message: `refused, because ${why}: enter the address that heliograph console printed in the browser's address bar`,
  }
}
