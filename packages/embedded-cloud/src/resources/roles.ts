import { createHash, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { CloudStartError } from '../cloud-start-error.ts'
import type { Signer } from '../endpoint.ts'
import { allows, checkPolicy } from '../policy.ts'
import type { AccessKey, Caller, PolicyDocument } from '../types.ts'

export interface Role {
  readonly name: string
  readonly arn: string
  /** Services that may assume it, for example `lambda.amazonaws.com`. */
  readonly trustedServices: readonly string[]
}

interface RoleEntry extends Role {
  readonly documents: PolicyDocument[]
}

/**
 * Above this many cached answers, a caller forgets all of them: client ids and topics are
 * unbounded.
 */
const rememberedAnswers = 10_000

/** The IAM roles of all stacks, their policies, and the access keys that stand for them. */
export class Roles {
  readonly #roles = new Map<string, RoleEntry>()
  /** By access key id. */
  readonly #signers = new Map<string, Signer>()
  readonly #managed = new Map<string, PolicyDocument>()
  /** Grows with every policy, so that callers drop their cached answers. */
  #version = 0

  /** With `operatorKey` an operator may do everything. */
  constructor(operatorKey: AccessKey) {
    const caller: Caller = { name: 'operator', may: () => true }
    this.#signers.set(operatorKey.accessKeyId, { ...operatorKey, caller })
  }

  add(role: Role, documents: readonly PolicyDocument[]): void {
    for (const document of documents) checkPolicy(document)
    const entry = { ...role, documents: [...documents] }
    this.#roles.set(role.arn, entry)
    this.#signers.set(accessKeyIdOf(role.arn), {
      secretAccessKey: randomSecret(),
      sessionToken: randomSecret(),
      caller: this.#callerFor(entry),
    })
  }

  /** Adds a policy to a role given by name. */
  attach(roleName: string, document: PolicyDocument): void {
    checkPolicy(document)
    const role = [...this.#roles.values()].find(({ name }) => name === roleName)
    if (role === undefined) throw new CloudStartError(`No stack makes the role ${roleName}.`)
    role.documents.push(document)
    this.#version += 1
  }

  /** Takes a policy from a role given by name. */
  detach(roleName: string, document: PolicyDocument): void {
    const role = [...this.#roles.values()].find(({ name }) => name === roleName)
    const index = role?.documents.findIndex((one) => isDeepStrictEqual(one, document)) ?? -1
    if (index >= 0) role?.documents.splice(index, 1)
    this.#version += 1
  }

  /** From now on nobody signs as this role. */
  remove(roleArn: string): void {
    this.#roles.delete(roleArn)
    this.#signers.delete(accessKeyIdOf(roleArn))
  }

  /** Makes a managed policy known that a stack defines. */
  addManagedPolicy(arn: string, document: PolicyDocument): void {
    checkPolicy(document)
    this.#managed.set(arn, document)
  }

  /** A managed policy that a stack defines. */
  managedPolicy(arn: string): PolicyDocument | undefined {
    return this.#managed.get(arn)
  }

  /** The role, if a stack makes it and the service may assume it; `where` begins the error. */
  assumable(roleArn: string, service: string, where: string): Role {
    const role = this.#roles.get(roleArn)
    if (role === undefined)
      throw new CloudStartError(`${where}: no stack makes the role ${roleArn}.`)
    if (role.trustedServices.includes(service)) return role
    throw new CloudStartError(`${where}: the role ${role.name} cannot be assumed by ${service}.`)
  }

  /** Fails unless the role may do the action; `where` begins the error. */
  demand(roleArn: string, action: string, resourceArn: string, where: string): void {
    const signer = this.signer(accessKeyIdOf(roleArn))
    if (signer?.caller.may(action, resourceArn)) return
    const name = this.#roles.get(roleArn)?.name ?? roleArn
    throw new CloudStartError(
      `${where}: the role ${name} lacks ${action} on ${resourceArn}; grant it in the stack.`,
    )
  }

  /** Who signs with an access key id. */
  signer(accessKeyId: string): Signer | undefined {
    return this.#signers.get(accessKeyId)
  }

  /** The access key of a role, good until the embedded cloud ends. Throws if no stack makes the role. */
  accessKeyOf(roleArn: string): AccessKey {
    const accessKeyId = accessKeyIdOf(roleArn)
    const signer = this.signer(accessKeyId)
    if (signer === undefined) throw new CloudStartError(`No stack makes the role ${roleArn}.`)
    const { secretAccessKey, sessionToken } = signer
    return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
  }

  #callerFor(role: RoleEntry): Caller {
    const answers = new Map<string, boolean>()
    let version = this.#version
    const may: Caller['may'] = (action, resource, context) => {
      if (version !== this.#version || answers.size > rememberedAnswers) answers.clear()
      version = this.#version
      const key = `${action} ${resource}${context ? JSON.stringify(context) : ''}`
      const known = answers.get(key)
      if (known !== undefined) return known
      const answer = allows(role.documents, { action, resource, context })
      answers.set(key, answer)
      return answer
    }
    return { name: role.arn, may }
  }
}

/** An operator's access key that nobody can guess. */
export function newOperatorKey(): AccessKey {
  const accessKeyId = `AKIA${randomBytes(8).toString('hex').toUpperCase()}`
  return { accessKeyId, secretAccessKey: randomSecret() }
}

/** 240 bits, 40 characters as AWS's own. */
function randomSecret(): string {
  return randomBytes(30).toString('base64url')
}

/** In the form of the temporary keys that Lambda gives out; the id names the role and is no secret. */
function accessKeyIdOf(roleArn: string): string {
  const digest = createHash('sha256').update(roleArn).digest('hex')
  return `ASIA${digest.slice(0, 16).toUpperCase()}`
}
