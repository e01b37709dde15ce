import { allows, checkPolicy, type PolicyContext } from '../policy.ts'
import type { CloudIdentity, PolicyDocument } from '../types.ts'
import { limits } from './limits.ts'
import type { Certificate, Registry, Thing } from './registry.ts'

/** The identity of a connection: its certificate, its thing, and the values of policy variables. */
export interface Principal {
  readonly certificateId: string
  /** Only with an exclusive attachment, as in lifecycle events. */
  readonly thingName: string | undefined
  readonly variables: PolicyContext
}

export interface Arrival {
  readonly clientId: string
  readonly sourceIp: string
  readonly persistent: boolean
  readonly lastWill: boolean
}

/** The IoT policies: what a certificate's connection may do. */
export class Authority {
  readonly #identity: CloudIdentity
  readonly #registry: Registry
  readonly #policies = new Map<string, PolicyDocument>()
  #changes = 0

  constructor(identity: CloudIdentity, registry: Registry) {
    this.#identity = identity
    this.#registry = registry
  }

  /** Creates or replaces a policy; throws one sentence when AWS or this evaluator would not take it. */
  putPolicy(name: string, document: PolicyDocument): void {
    const length = JSON.stringify(document).replace(/\s/g, '').length
    if (length > limits.policyCharacters) {
      throw new Error(
        `The IoT policy "${name}" has ${length} characters without white space; AWS takes ${limits.policyCharacters}.`,
      )
    }
    checkPolicy(document)
    this.#policies.set(name, document)
    this.#changes++
  }

  deletePolicy(name: string): void {
    this.#policies.delete(name)
    this.#changes++
  }

  hasPolicy(name: string): boolean {
    return this.#policies.has(name)
  }

  policy(name: string): PolicyDocument | undefined {
    return this.#policies.get(name)
  }

  arn(kind: string, name: string): string {
    return `arn:aws:iot:${this.#identity.region}:${this.#identity.accountId}:${kind}/${name}`
  }

  /** Grows whenever an answer of `permits` may have changed. */
  get revision(): number {
    return this.#changes + this.#registry.revision
  }

  /** Whether the policies attached to the principal's certificate allow an action on `client/x`, `topic/x` … */
  permits(principal: Principal, action: string, kind: string, name: string): boolean {
    const attached = this.#registry.certificate(principal.certificateId)?.policies ?? []
    const documents = attached.flatMap((policy) => this.#policies.get(policy) ?? [])
    const resource = this.arn(kind, name)
    return allows(documents, { action, resource, context: principal.variables })
  }

  /**
   * Source: https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html. An exclusive
   * attachment names the thing; otherwise the client id must be the name of an attached thing.
   */
  principalOf(certificate: Certificate, arrival: Arrival): Principal {
    const attached = this.#registry.thingsOf(certificate.id)
    const exclusive = attached.find((t) => t.certificates[certificate.id] === 'EXCLUSIVE_THING')
    const thing = exclusive ?? this.#registry.thing(arrival.clientId)
    return {
      certificateId: certificate.id,
      thingName: exclusive?.name,
      variables: {
        'iot:ClientId': arrival.clientId,
        'iot:CertificateId': certificate.id,
        'aws:SourceIp': arrival.sourceIp,
        ...connectAttributes(arrival),
        ...(certificate.commonName === undefined
          ? {}
          : { 'iot:Certificate.Subject.CommonName': certificate.commonName }),
        ...thingVariables(thing, thing !== undefined && attached.includes(thing)),
      },
    }
  }
}

function connectAttributes(arrival: Arrival): PolicyContext {
  const attributes = [
    ...(arrival.persistent ? ['PersistentConnect'] : []),
    ...(arrival.lastWill ? ['LastWill'] : []),
  ]
  return attributes.length === 0 ? {} : { 'iot:ConnectAttributes': attributes }
}

function thingVariables(thing: Thing | undefined, attached: boolean): PolicyContext {
  const isAttached = { 'iot:Connection.Thing.IsAttached': String(attached) }
  if (thing === undefined) return isAttached
  const attributes = Object.entries(thing.attributes).map(([name, value]) => [
    `iot:Connection.Thing.Attributes[${name}]`,
    value,
  ])
  return {
    ...isAttached,
    'iot:Connection.Thing.ThingName': thing.name,
    ...(thing.typeName === undefined
      ? {}
      : { 'iot:Connection.Thing.ThingTypeName': thing.typeName }),
    ...Object.fromEntries(attributes),
  }
}
