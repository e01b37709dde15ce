import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import tls from 'node:tls'
import { type Finding, ok, problem } from './finding.ts'
import { judgeValidity } from './validity.ts'

export interface Endpoint {
  readonly host: string
  readonly port: number
  /** PEM; if absent, the system's CAs. */
  readonly ca?: string
}

export interface Handshake {
  readonly findings: readonly Finding[]
  /** What the server chose by ALPN. */
  readonly protocol: string | undefined
}

const TIME_LIMIT_MS = 10_000
/** ACM renews 60 days before the end; less than this means that a renewal has failed. */
const MARGIN = {
  days: 21,
  remedy: 'renew it (ACM does so automatically while its DNS record exists)',
}

/** Resolves the name and makes a TLS connection without a client certificate, up to the handshake. */
export async function shakeHands(
  check: string,
  endpoint: Endpoint,
  nowMs: number,
  alpn: readonly string[] = [],
): Promise<Handshake> {
  const name = await resolve(check, endpoint.host)
  if (name.state !== 'ok') return { findings: [name], protocol: undefined }
  const seen = await connect(endpoint, alpn).catch((fault: Error) => fault)
  if (seen instanceof Error) {
    const found = problem(`${check} TLS`, sentenceOf(seen, endpoint))
    return { findings: [name, found], protocol: undefined }
  }
  const { from, to, protocol } = seen
  return {
    findings: [name, judgeValidity(`${check} certificate`, { from, to }, nowMs, MARGIN)],
    protocol,
  }
}

async function resolve(check: string, host: string): Promise<Finding> {
  if (isIP(host)) return ok(`${check} DNS`, `${host} is an address`)
  try {
    const addresses = await lookup(host, { all: true })
    return ok(`${check} DNS`, `${host} is ${addresses.map(({ address }) => address).join(', ')}`)
  } catch {
    return problem(
      `${check} DNS`,
      `${host} has no address: make the DNS record (output ProviderDomainTarget), then wait for it`,
    )
  }
}

function connect({ host, port, ca }: Endpoint, alpn: readonly string[]) {
  const options = {
    ...{ host, port, ALPNProtocols: [...alpn] },
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca && { ca }),
  }
  return new Promise<{ from: number; to: number; protocol: string | undefined }>(
    (resolve, reject) => {
      const socket = tls.connect(options, () => {
        const { valid_from: from, valid_to: to } = socket.getPeerCertificate()
        const protocol = socket.alpnProtocol || undefined
        resolve({ from: Date.parse(from), to: Date.parse(to), protocol })
        socket.destroy()
      })
      socket.setTimeout(TIME_LIMIT_MS, () =>
        socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
      )
      socket.once('error', reject)
    },
  )
}

function sentenceOf(fault: Error, { host, port }: Endpoint): string {
  const { code = fault.message } = fault as { readonly code?: string }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code))
    return `the certificate of ${host}:${port} is not trusted (${code}): check which certificate is installed`
  return `${host}:${port} does not answer (${code}): check that it is deployed and that no firewall is in between`
}
