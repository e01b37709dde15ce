import { createHash, randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { JsonFile, readJsonFile, writeFileAtomic } from '../persist.ts'

/** One version of an object, or a delete marker, as the bucket's index contains it. */
export interface Version {
  /** `null` for objects written while the bucket was not versioned. */
  readonly versionId: string
  /** File name under `blobs/`; absent = a delete marker. */
  readonly blob?: string
  /** MD5 in hex, in quotes, as the ETag header has it. */
  readonly etag: string
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modifiedAt: number
  /** Headers that come back with the object: content-type, cache-control, x-amz-meta-… */
  readonly headers: Readonly<Record<string, string>>
}

export type Versioning = 'Enabled' | 'Suspended' | undefined

interface SavedBucket {
  /** Milliseconds since 1970; indexes of older embedded clouds have none. */
  readonly createdAt?: number
  readonly versioning?: 'Enabled' | 'Suspended'
  readonly objects: Readonly<Record<string, readonly Version[]>>
}

/** One bucket: an index in JSON, and a file for each version of an object. */
export class Bucket {
  readonly name: string
  readonly #folder: string
  readonly #index: JsonFile
  /** Versions of each key, the newest first. */
  readonly #objects = new Map<string, Version[]>()
  #versioning: Versioning
  #createdAt = Date.now()

  constructor(name: string, folder: string) {
    this.name = name
    this.#folder = folder
    this.#index = new JsonFile(join(folder, 'bucket.json'), () => this.#saved())
  }

  /** Opens a bucket; rejects with `DamagedStateError` when its index cannot be read. */
  static async open(name: string, folder: string): Promise<Bucket> {
    const bucket = new Bucket(name, folder)
    await readJsonFile(join(folder, 'bucket.json'), (value) => bucket.#take(value as SavedBucket))
    return bucket
  }

  /** Milliseconds since 1970. */
  get createdAt(): number {
    return this.#createdAt
  }

  get versioning(): Versioning {
    return this.#versioning
  }

  async setVersioning(versioning: Versioning): Promise<void> {
    this.#versioning = versioning
    await this.#index.save()
  }

  /** Keys that have at least one version, in UTF-8 order as S3 lists them. */
  keys(): string[] {
    return [...this.#objects.keys()].sort((one, other) =>
      Buffer.compare(Buffer.from(one), Buffer.from(other)),
    )
  }

  /** The versions of a key, the newest first. */
  versions(key: string): readonly Version[] {
    return this.#objects.get(key) ?? []
  }

  /** The version asked for, or the newest; it may be a delete marker. */
  find(key: string, versionId?: string): Version | undefined {
    const versions = this.versions(key)
    if (versionId === undefined) return versions[0]
    return versions.find((version) => version.versionId === versionId)
  }

  read(version: Version): Promise<Buffer> {
    return readFile(this.#blobFile(version.blob ?? ''))
  }

  /** `guard` may throw to refuse the write; between it and the write nothing else happens. */
  async put(
    key: string,
    body: Buffer,
    headers: Readonly<Record<string, string>>,
    guard: () => void = () => undefined,
  ): Promise<Version> {
    const blob = randomUUID()
    await writeFileAtomic(this.#blobFile(blob), body)
    try {
      guard()
    } catch (refusal) {
      await rm(this.#blobFile(blob), { force: true })
      throw refusal
    }
    const version: Version = {
      versionId: this.#newVersionId(),
      blob,
      etag: `"${createHash('md5').update(body).digest('hex')}"`,
      size: body.length,
      modifiedAt: Date.now(),
      headers,
    }
    await this.#add(key, version)
    return version
  }

  /** Deletes the newest version as S3 does; in a versioned bucket that puts a marker on top. */
  async delete(key: string): Promise<Version | undefined> {
    if (this.#versioning === undefined) {
      await this.deleteVersion(key, 'null')
      return undefined
    }
    const versionId = this.#newVersionId()
    const marker = { versionId, etag: '', size: 0, modifiedAt: Date.now(), headers: {} }
    await this.#add(key, marker)
    return marker
  }

  /** Removes one version permanently; undefined when it does not exist. */
  async deleteVersion(key: string, versionId: string): Promise<Version | undefined> {
    const version = this.find(key, versionId)
    if (version === undefined) return undefined
    this.#set(
      key,
      this.versions(key).filter((each) => each !== version),
    )
    await this.#index.save()
    await this.#removeBlob(version)
    return version
  }

  async #add(key: string, version: Version): Promise<void> {
    const replaced = version.versionId === 'null' ? this.find(key, 'null') : undefined
    this.#set(key, [version, ...this.versions(key).filter((each) => each !== replaced)])
    await this.#index.save()
    if (replaced !== undefined) await this.#removeBlob(replaced)
  }

  #set(key: string, versions: Version[]): void {
    if (versions.length === 0) this.#objects.delete(key)
    else this.#objects.set(key, versions)
  }

  async #removeBlob({ blob }: Version): Promise<void> {
    if (blob !== undefined) await rm(this.#blobFile(blob), { force: true })
  }

  #newVersionId(): string {
    return this.#versioning === 'Enabled' ? randomUUID().replaceAll('-', '') : 'null'
  }

  #blobFile(blob: string): string {
    return join(this.#folder, 'blobs', blob)
  }

  #take({ createdAt, versioning, objects }: SavedBucket): void {
    this.#createdAt = createdAt ?? this.#createdAt
    this.#versioning = versioning
    for (const [key, versions] of Object.entries(objects)) this.#objects.set(key, [...versions])
  }

  #saved(): SavedBucket {
    const objects = Object.fromEntries(this.#objects)
    const versioning = this.#versioning
    return { createdAt: this.#createdAt, ...(versioning && { versioning }), objects }
  }
}
