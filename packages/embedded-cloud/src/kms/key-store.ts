import { createPrivateKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { AwsError } from '../answer.ts'
import { JsonFile, readJsonFile } from '../persist.ts'
import type { CloudIdentity } from '../types.ts'
import { type AsymmetricSpec, asymmetricSpecs, generatePrivateKey } from './specs.ts'

export type KeySpec = 'SYMMETRIC_DEFAULT' | AsymmetricSpec

/** A key as the state file contains it. */
interface SavedKey {
  readonly keyId: string
  /** What finds the key again after a restart: stack and logical id. */
  readonly stableId: string
  readonly spec: KeySpec
  readonly description: string
  enabled: boolean
  /** When its waiting period ends, milliseconds since 1970; until then, the key cannot be used. */
  deletionAt?: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** 32 bytes in base64 for a symmetric key, PKCS #8 as PEM for the others. */
  readonly material: string
}

export interface Key extends SavedKey {
  readonly arn: string
  readonly secret: KeySecret
}

export type KeySecret =
  | { readonly kind: 'symmetric'; readonly bytes: Buffer }
  | { readonly kind: 'private'; readonly key: KeyObject }

interface SavedState {
  readonly keys: readonly SavedKey[]
  /** Alias name, `alias/…`, to key id. */
  readonly aliases: Readonly<Record<string, string>>
}

const dayMs = 24 * 3600_000

/** All keys and aliases, in memory and in one file of mode 0600. */
export class KeyStore {
  readonly identity: CloudIdentity
  readonly #file: JsonFile
  readonly #keys = new Map<string, Key>()
  readonly #aliases = new Map<string, string>()

  constructor(file: string, identity: CloudIdentity) {
    this.identity = identity
    this.#file = new JsonFile(file, () => this.#state())
  }

  /** Opens the store; rejects with `DamagedStateError` when its file cannot be read. */
  static async open(file: string, identity: CloudIdentity): Promise<KeyStore> {
    const store = new KeyStore(file, identity)
    await readJsonFile(file, (value) => store.#take(value as SavedState))
    return store
  }

  async create(
    stableId: string,
    spec: KeySpec,
    description: string,
    enabled: boolean,
  ): Promise<Key> {
    const existing = this.byStableId(stableId)
    if (existing !== undefined) return this.#update(existing, spec, enabled)
    const material = await generateMaterial(spec)
    const keyId = randomUUID()
    const createdAt = Date.now()
    const key = this.#add({ keyId, stableId, spec, description, enabled, createdAt, material })
    await this.save()
    return key
  }

  async delete(stableId: string): Promise<void> {
    const key = this.byStableId(stableId)
    if (key === undefined) return
    this.#keys.delete(key.keyId)
    for (const [name, keyId] of this.#aliases) if (keyId === key.keyId) this.#aliases.delete(name)
    await this.save()
  }

  async scheduleDeletion(stableId: string, days: number): Promise<void> {
    const key = this.byStableId(stableId)
    if (key === undefined) return
    key.enabled = false
    key.deletionAt = Date.now() + days * dayMs
    await this.save()
  }

  async setAlias(name: string, target: string): Promise<string> {
    this.#aliases.set(name, this.find(target).keyId)
    await this.save()
    return this.arnOf(name)
  }

  async deleteAlias(name: string): Promise<void> {
    if (this.#aliases.delete(name)) await this.save()
  }

  /** Finds a key by id, ARN, alias name or alias ARN; throws NotFoundException. */
  find(reference: string): Key {
    const [, resource = reference] = reference.split(/^arn:[^:]*:kms:[^:]*:[^:]*:/)
    const alias = resource.startsWith('alias/')
    const keyId = alias ? this.#aliases.get(resource) : resource.replace(/^key\//, '')
    const key = this.#keys.get(keyId ?? '')
    if (key !== undefined) return key
    const message = alias
      ? `Alias ${this.arnOf(resource)} is not found.`
      : `Key '${this.arnOf(`key/${keyId}`)}' does not exist`
    throw new AwsError('NotFoundException', message)
  }

  byStableId(stableId: string): Key | undefined {
    return this.keys().find((key) => key.stableId === stableId && key.deletionAt === undefined)
  }

  keys(): Key[] {
    return [...this.#keys.values()]
  }

  aliases(): readonly (readonly [name: string, keyId: string])[] {
    return [...this.#aliases]
  }

  arnOf(resource: string): string {
    return `arn:aws:kms:${this.identity.region}:${this.identity.accountId}:${resource}`
  }

  save(): Promise<void> {
    return this.#file.save()
  }

  async #update(key: Key, spec: KeySpec, enabled: boolean): Promise<Key> {
    if (key.spec !== spec)
      throw new Error(
        `The key ${key.stableId} on disk is ${key.spec} and the template wants ${spec}; begin with an empty state directory.`,
      )
    if (key.enabled === enabled) return key
    key.enabled = enabled
    await this.save()
    return key
  }

  #add(saved: SavedKey): Key {
    const { spec, material } = saved
    const secret: KeySecret =
      spec === 'SYMMETRIC_DEFAULT'
        ? { kind: 'symmetric', bytes: Buffer.from(material, 'base64') }
        : { kind: 'private', key: createPrivateKey(material) }
    const key: Key = { ...saved, secret, arn: this.arnOf(`key/${saved.keyId}`) }
    this.#keys.set(key.keyId, key)
    return key
  }

  #take({ keys, aliases }: SavedState): void {
    for (const key of keys) {
      if (key.spec !== 'SYMMETRIC_DEFAULT' && !Object.hasOwn(asymmetricSpecs, key.spec))
        throw new Error(`it holds a key of the unknown kind ${key.spec}`)
      this.#add(key)
    }
    for (const [name, keyId] of Object.entries(aliases)) this.#aliases.set(name, keyId)
  }

  #state(): SavedState {
    const keys = this.keys().map(({ arn: _arn, secret: _secret, ...saved }) => saved)
    return { keys, aliases: Object.fromEntries(this.#aliases) }
  }
}

async function generateMaterial(spec: KeySpec): Promise<string> {
  if (spec === 'SYMMETRIC_DEFAULT') return randomBytes(32).toString('base64')
  const key = await generatePrivateKey(spec)
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}
