import { randomUUID } from 'node:crypto'
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../assembly/json.ts'
import { CloudStartError, messageOf } from '../cloud-start-error.ts'
import { readJsonFile, writeJsonFile } from '../persist.ts'
import type { CloudIdentity, Functions, Log } from '../types.ts'
import { type Made, type Resource, stableId } from './resource.ts'
import type { ResponseServer } from './response-server.ts'

export interface CustomResourcesOptions {
  readonly identity: CloudIdentity
  readonly functions: Pick<Functions, 'invoke'>
  /** Where functions put their answers. */
  readonly answers: Pick<ResponseServer, 'expect'>
  /** JSON file with what functions made, mode 0600. */
  readonly stateFile: string
  /** The address of this cloud; resources that were made at another address are updated. */
  readonly address: string
  readonly log: Log
}

/** The last state of a custom resource. */
interface Kept {
  readonly stack: string
  readonly logicalId: string
  readonly type: string
  readonly properties: JsonObject
  readonly physicalId: string
  readonly data: JsonObject
  /** A function may have answered with an address of the cloud, which moves with its ports. */
  readonly address?: string
}

type Subject = Pick<Kept, 'stack' | 'logicalId' | 'type' | 'properties'>
type Outcome = Pick<Kept, 'physicalId' | 'data'>

/** Seconds that a function may take to answer, without a ServiceTimeout in the template. */
const defaultTimeoutSeconds = 120

/**
 * Custom resources as CloudFormation handles them: their function is told of Create, Update and
 * Delete and answers at a URL. What it answered is kept, so that a resource whose properties did not
 * change is not made again by a restart.
 * Source: CloudFormation user guide, "Custom resource request types".
 */
export class CustomResources {
  readonly #options: CustomResourcesOptions
  readonly #kept = new Map<string, Kept>()
  readonly #seen = new Set<string>()
  /** Physical resources that an update replaced; deleted when all stacks are made. */
  readonly #replaced: Kept[] = []

  private constructor(options: CustomResourcesOptions) {
    this.#options = options
  }

  /** Reads the state file; a damaged one is an error that names it. */
  static async open(options: CustomResourcesOptions): Promise<CustomResources> {
    const resources = new CustomResources(options)
    const kept = await readJsonFile(options.stateFile, parseState)
    for (const [id, resource] of Object.entries(kept ?? {})) resources.#kept.set(id, resource)
    return resources
  }

  /** Creates or updates a resource, or finds that nothing changed. */
  async make(resource: Resource): Promise<Made> {
    const id = stableId(resource)
    const old = this.#kept.get(id)
    const properties = stringified(resource.properties.values) as JsonObject
    this.#seen.add(id)
    const unchanged = old && canonicalJson(old.properties) === canonicalJson(properties)
    if (unchanged && old.address === this.#options.address) return made(old)
    const kept = await this.#apply(resource, properties, old)
    this.#kept.set(id, kept)
    await this.#save()
    return made(kept)
  }

  /**
   * Tells the function of a resource that its stack is being deleted; rejects with its objection.
   */
  async remove(resource: Resource): Promise<void> {
    const id = stableId(resource)
    const kept = this.#kept.get(id)
    if (kept === undefined) return
    const { physicalId } = kept
    await this.#call(kept, { RequestType: 'Delete', PhysicalResourceId: physicalId })
    this.#kept.delete(id)
    await this.#save()
  }

  /** Deletes what was replaced, and what the templates no longer name. Failures are only logged. */
  async cleanUp(): Promise<void> {
    const gone = [...this.#kept].filter(([id]) => !this.#seen.has(id))
    for (const resource of [...this.#replaced.splice(0), ...gone.map(([, kept]) => kept)]) {
      await this.#delete(resource)
    }
    for (const [id] of gone) this.#kept.delete(id)
    if (gone.length > 0) await this.#save()
  }

  async #apply(resource: Resource, properties: JsonObject, old: Kept | undefined): Promise<Kept> {
    const { stack, logicalId, type } = resource
    const request = old
      ? {
          RequestType: 'Update',
          PhysicalResourceId: old.physicalId,
          OldResourceProperties: old.properties,
        }
      : { RequestType: 'Create' }
    const answer = await this.#call({ stack, logicalId, type, properties }, request)
    const { address } = this.#options
    const kept = { stack, logicalId, type, properties, address, ...answer }
    if (old && old.physicalId !== kept.physicalId) this.#replaced.push(old)
    return kept
  }

  async #delete(resource: Kept): Promise<void> {
    const request = { RequestType: 'Delete', PhysicalResourceId: resource.physicalId }
    try {
      await this.#call(resource, request)
    } catch (error) {
      this.#options.log('custom resource', `deleting failed: ${messageOf(error)}`)
    }
  }

  async #call(resource: Subject, request: JsonObject): Promise<Outcome> {
    const { url, answer } = this.#options.answers.expect()
    const event = { ...this.#event(resource), ...request, ResponseURL: url }
    const where = `Custom resource ${resource.logicalId} (${resource.type}) of stack ${resource.stack}`
    const response = await this.#response(event, answer, timeoutSeconds(resource.properties), where)
    return readResponse(response, request, where)
  }

  #event({ stack, logicalId, type, properties }: Subject): JsonObject {
    return {
      StackId: stackArn(this.#options.identity, stack),
      RequestId: randomUUID(),
      ResourceType: type,
      LogicalResourceId: logicalId,
      ServiceToken: properties.ServiceToken ?? '',
      ResourceProperties: properties,
    }
  }

  /** The function's answer, or its own failure when that comes before any answer. */
  async #response(
    event: JsonObject,
    answer: Promise<Json>,
    seconds: number,
    where: string,
  ): Promise<Json> {
    const failed = this.#options.functions.invoke(String(event.ServiceToken), event).then(
      () => never,
      (error: unknown) => {
        throw new CloudStartError(`${where}: its function failed: ${messageOf(error)}`)
      },
    )
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      const message = `${where}: its function did not answer within ${seconds} s; look at its log.`
      timer = setTimeout(() => reject(new CloudStartError(message)), seconds * 1000)
    })
    return await Promise.race([answer, failed, late]).finally(() => clearTimeout(timer))
  }

  async #save(): Promise<void> {
    await writeJsonFile(this.#options.stateFile, Object.fromEntries(this.#kept))
  }
}

const never = new Promise<never>(() => {})

/** The id (ARN) of a stack; the same for every start. */
export function stackArn(identity: CloudIdentity, stack: string): string {
  const { region, accountId } = identity
  return `arn:aws:cloudformation:${region}:${accountId}:stack/${stack}/embedded`
}

function readResponse(response: Json, request: JsonObject, where: string): Outcome {
  if (!isJsonObject(response) || response.Status !== 'SUCCESS') {
    const reason = isJsonObject(response) ? response.Reason : undefined
    throw new CloudStartError(`${where} failed: ${String(reason ?? 'its function gave no reason')}`)
  }
  const physicalId = response.PhysicalResourceId ?? request.PhysicalResourceId
  if (typeof physicalId !== 'string') {
    throw new CloudStartError(`${where}: its function answered without a PhysicalResourceId.`)
  }
  return { physicalId, data: isJsonObject(response.Data) ? response.Data : {} }
}

function made(kept: Kept): Made {
  return { ref: kept.physicalId, attributes: kept.data }
}

function timeoutSeconds(properties: JsonObject): number {
  return Number(properties.ServiceTimeout ?? defaultTimeoutSeconds)
}

/** CloudFormation hands numbers and flags to functions as texts. */
function stringified(value: Json): Json {
  if (Array.isArray(value)) return value.map(stringified)
  if (!isJsonObject(value)) return value === null ? null : String(value)
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, stringified(part)]))
}

function parseState(value: unknown): Record<string, Kept> {
  if (!isJsonObject(value)) throw new Error('it is no object')
  for (const kept of Object.values(value)) {
    const complete = isJsonObject(kept) && isJsonObject(kept.properties) && isJsonObject(kept.data)
    if (!complete || typeof kept.physicalId !== 'string') throw new Error('an entry is incomplete')
  }
  return value as unknown as Record<string, Kept>
}
