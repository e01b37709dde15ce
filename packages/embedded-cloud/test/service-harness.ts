import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import aws4 from 'aws4'
import { type Endpoint, type EndpointOptions, startEndpoint } from '../src/endpoint.ts'
import type { Caller, CloudIdentity, Log, Service } from '../src/types.ts'

export const identity: CloudIdentity = { accountId: '000000000000', region: 'us-east-1' }

/** Keeps what the parts log, so that a test can ask for it. */
export function logLines(): { lines: string[]; log: Log } {
  const lines: string[] = []
  return { lines, log: (part, line) => lines.push(`${part}: ${line}`) }
}

/** The operator, who may do everything, and a role that may do what `grants` names as `action resource`. */
export const operator: Caller = { name: 'operator', may: () => true }

export function role(...grants: string[]): Caller & { asked: string[] } {
  const asked: string[] = []
  const may = (action: string, resource: string) => {
    asked.push(`${action} ${resource}`)
    return grants.includes(`${action} ${resource}`)
  }
  return { name: 'role/test', may, asked }
}

/** Settings of an SDK client that signs as `accessKeyId`. */
export function clientOf(endpoint: Pick<Endpoint, 'url'>, accessKeyId = 'operator') {
  return {
    endpoint: endpoint.url,
    region: identity.region,
    credentials: { accessKeyId, secretAccessKey: 'any' },
    maxAttempts: 1,
  }
}

/** A signed call of an endpoint by hand; what `changed` says is put in after signing. */
export function signedFetch(
  { url }: Pick<Endpoint, 'url'>,
  service: string,
  request: { method?: string; path?: string; headers?: Record<string, string>; body?: Buffer } = {},
  changed: { path?: string; headers?: Record<string, string>; secret?: string } = {},
): Promise<Response> {
  const { host } = new URL(url)
  const { method = 'GET', path = '/', headers = {}, body } = request
  const keys = { accessKeyId: 'operator', secretAccessKey: changed.secret ?? 'any' }
  const { region } = identity
  const signed = aws4.sign(
    { host, service, region, method, path, headers, ...(body && { body }) },
    keys,
  )
  const { Host: _host, ...sent } = signed.headers as Record<string, string>
  return fetch(`${url}${changed.path ?? path}`, {
    method,
    headers: { ...sent, ...changed.headers },
    ...(body && { body: new Uint8Array(body) }),
  })
}

/** An endpoint on a free port for the callers by access key id. */
export function endpointFor(
  services: readonly Service[],
  callers: Readonly<Record<string, Caller>> = { operator },
  more: Partial<EndpointOptions> = {},
): Promise<Endpoint> {
  return startEndpoint({
    host: '127.0.0.1',
    port: 0,
    signers: (id) => {
      const caller = callers[id]
      return caller && { caller, secretAccessKey: 'any' }
    },
    services,
    log: logLines().log,
    ...more,
  })
}

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'heliograph-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** Waits until `condition` is true, as long as a busy machine may take. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('The condition did not become true.')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
