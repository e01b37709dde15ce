import { createPrivateKey } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import http2, { type ClientHttp2Session } from 'node:http2'
import { connect, type TLSSocket } from 'node:tls'
import type { ProviderTokenFile } from '../../bin/demo.ts'
import { makeToken, type TokenIdentity, type TokenShape } from '../../tools/conformance/bearer.ts'
import { assemblyWith, welcomeOperator } from './operator-support.ts'
import { type ReadyTarget, type Request, readyTarget, requestOn, type Sent } from './support.ts'
import type { Target } from './target.ts'

/** The demo app's way in by token; throws where the target has none. */
export function tokenFile({ local }: Pick<Target, 'local'>): ProviderTokenFile {
  if (local.providerToken) return local.providerToken
  throw new Error('the target takes no provider tokens')
}

export function identityOf(target: Pick<Target, 'local'>): TokenIdentity {
  const { keyId, teamId, key } = tokenFile(target)
  return { keyId, teamId, key: createPrivateKey(readFileSync(key)) }
}

/** An `authorization` that the demo key signs now, or as the shape says. */
export function bearer(target: Pick<Target, 'local'>, shape: TokenShape = {}): string {
  return `bearer ${makeToken(identityOf(target), Date.now(), shape)}`
}

/** The bound after which a revocation counts that `hastyTarget` lowers to see it; 30 s in every stage. */
export const TRUST_SECONDS = 1

/** A target that believes a key for `TRUST_SECONDS`, with an operator and a device. */
export async function hastyTarget(): Promise<ReadyTarget> {
  const assembly = assemblyWith({ TRUST_CACHE_SECONDS: String(TRUST_SECONDS) })
  const { target, ready, close } = await readyTarget({ assembly })
  welcomeOperator(target)
  return {
    ...{ target, ready },
    async close() {
      await close()
      rmSync(assembly, { recursive: true, force: true })
    },
  }
}

/** A TLS connection to the token domain, for HTTP/2; Linux has all of 127.0.0.0/8 to come from. */
export function socketForTokens(target: Pick<Target, 'local'>, localAddress?: string): TLSSocket {
  const { url, ca } = tokenFile(target)
  const { hostname, port } = new URL(url)
  return connect({
    ...{ host: hostname, servername: hostname, port: Number(port || 443) },
    ...(localAddress && { host: '127.0.0.1', localAddress }),
    ca: readFileSync(ca),
    ALPNProtocols: ['h2'],
  })
}

export function connectForTokens(
  target: Pick<Target, 'local'>,
  localAddress?: string,
): ClientHttp2Session {
  const session = http2.connect(tokenFile(target).url, {
    createConnection: () => socketForTokens(target, localAddress),
  })
  // every request of the support listens for errors
  return session.setMaxListeners(0)
}

/** One request to the token domain on a connection of its own. */
export async function requestByToken(
  target: Pick<Target, 'local'>,
  { headers, ...options }: Request,
  authorization: string | undefined = bearer(target),
): Promise<Sent> {
  const session = connectForTokens(target)
  try {
    return await requestOn(session, {
      ...options,
      topic: target.local.provider.topic,
      headers: { ...headers, ...(authorization && { authorization }) },
    })
  } finally {
    session.close()
  }
}
