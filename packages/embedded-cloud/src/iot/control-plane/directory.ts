import type { Authority } from '../authority.ts'
import { invalidRequest, resourceNotFound } from '../errors.ts'
import type { Certificate, Registry, Thing } from '../registry.ts'
import type { Departures } from './departures.ts'

/** What the operations of the control plane work with. */
export interface ControlPlane {
  readonly registry: Registry
  readonly authority: Authority
  readonly departures: Departures
  readonly accountId: string
  /** `host:port` of the MQTT broker, what DescribeEndpoint answers. */
  readonly address: string
  now(): number
  /** Ends the live connections of a certificate that no longer lets devices in. */
  expel(certificateId: string): void
}

/** The certificate with an id; throws ResourceNotFoundException. */
export function certificateById({ registry }: ControlPlane, id: string): Certificate {
  const certificate = registry.certificate(id)
  if (certificate === undefined) throw resourceNotFound(`There is no certificate ${id}.`)
  return certificate
}

/** The certificate that a principal or target ARN names; throws InvalidRequest- or ResourceNotFoundException. */
export function certificateByArn(plane: ControlPlane, arn: string): Certificate {
  const id = /^arn:[^:]+:iot:[^:]+:[^:]+:cert\/([0-9a-f]{64})$/.exec(arn)?.[1]
  if (id === undefined) throw invalidRequest(`"${arn}" is not the ARN of a certificate.`)
  return certificateById(plane, id)
}

/** The thing with a name; throws ResourceNotFoundException. */
export function thingByName({ registry }: ControlPlane, name: string): Thing {
  const thing = registry.thing(name)
  if (thing === undefined) throw resourceNotFound(`There is no thing ${name}.`)
  return thing
}
