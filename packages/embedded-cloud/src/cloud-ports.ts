import type { Cleanup } from './cleanup.ts'
import type { CloudPorts } from './cloud-options.ts'
import { type ReservedPort, reservePort } from './ports.ts'

/**
 * A domain that requires client certificates, an API's own endpoint, or a domain that does not ask
 * for them.
 */
export type ApiKind = 'mutualTls' | 'api' | 'domain'

export interface ReservedPorts {
  readonly endpoint: ReservedPort
  readonly mqtt: ReservedPort
  /** The configured port for the first of a kind, any free port for those after it. */
  forApi(kind: ApiKind): Promise<ReservedPort>
  /** The second port for the first domain that requires client certificates, once. */
  takeAlso(): ReservedPort | undefined
}

const purposes = {
  mutualTls: 'the API with client certificates',
  mutualTlsAlso: 'the API with client certificates, once more',
  api: 'the API',
  domain: 'the domain without client certificates',
  mqtt: 'MQTT',
  endpoint: 'the AWS services',
} as const

/** Takes all ports before anything else happens, so that a port in use is reported at once. */
export async function reservePorts(ports: CloudPorts, cleanup: Cleanup): Promise<ReservedPorts> {
  const reserve = async (kind: keyof typeof purposes, number = ports[kind] ?? 0) => {
    const reserved = await reservePort(number, purposes[kind])
    cleanup.add(() => reserved.release())
    return reserved
  }
  const first = {
    mutualTls: await reserve('mutualTls'),
    api: await reserve('api'),
    domain: await reserve('domain'),
  }
  let also = ports.mutualTlsAlso === undefined ? undefined : await reserve('mutualTlsAlso')
  const taken = new Set<ApiKind>()
  return {
    endpoint: await reserve('endpoint'),
    mqtt: await reserve('mqtt'),
    async forApi(kind) {
      if (taken.has(kind)) return await reserve(kind, 0)
      taken.add(kind)
      return first[kind]
    },
    takeAlso() {
      const port = also
      also = undefined
      return port
    },
  }
}
