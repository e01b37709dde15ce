import { readdir, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { AwsError, answer, answerServiceError } from '../answer.ts'
import { isMissing } from '../persist.ts'
import type { CloudIdentity, Log, Service, ServiceRequest } from '../types.ts'
import { Bucket } from './bucket.ts'
import { type Buckets, serve } from './requests.ts'

export interface S3Options {
  readonly identity: CloudIdentity
  /** Folder that holds the buckets. */
  readonly path: string
  readonly log: Log
}

/** Properties of AWS::S3::Bucket with every intrinsic resolved; only versioning has an effect here. */
export interface BucketProperties {
  readonly VersioningConfiguration?: { readonly Status: 'Enabled' | 'Suspended' }
  readonly [property: string]: unknown
}

export interface StoredObject {
  readonly body: Buffer
  /** Absent in a bucket that never was versioned. */
  readonly versionId?: string
  /** In quotes, as the ETag header has it. */
  readonly etag: string
  readonly contentType: string
}

/** A small S3: versioned objects on disk, path-style and `bucket.localhost` addressing. */
export interface S3 {
  readonly service: Service
  /** Makes a bucket, or brings the versioning of the one on disk up to date. */
  createBucket(name: string, properties?: BucketProperties): Promise<{ readonly arn: string }>
  /** Whether a bucket holds no version of anything; true if there is no such bucket. */
  isEmpty(name: string): boolean
  /** Removes a bucket with everything in it. */
  deleteBucket(name: string): Promise<void>
  /** Undefined when there is no such bucket, object or version, or it is deleted. */
  getObject(bucket: string, key: string, versionId?: string): Promise<StoredObject | undefined>
  /** Rejects when there is no such bucket. */
  putObject(
    bucket: string,
    key: string,
    body: Buffer,
    contentType?: string,
  ): Promise<{ readonly versionId?: string }>
  /** Hears of every change of an object, such as a truststore that must be read again. Returns unsubscribe. */
  onChange(listener: (bucket: string, key: string) => void): () => void
  close(): Promise<void>
}

/** Starts S3; rejects with `DamagedStateError` when the index of a bucket cannot be read. */
export async function startS3({ path }: S3Options): Promise<S3> {
  const s3 = new EmbeddedS3(path)
  await s3.load()
  return s3
}

class EmbeddedS3 implements S3, Buckets {
  readonly service: Service = {
    signingNames: ['s3'],
    handle: (request, response) => handle(this, request, response),
  }
  readonly #path: string
  readonly #buckets = new Map<string, Bucket>()
  readonly #listeners = new Set<(bucket: string, key: string) => void>()

  constructor(path: string) {
    this.#path = path
  }

  async load(): Promise<void> {
    for (const name of await foldersIn(this.#path)) {
      this.#buckets.set(name, await Bucket.open(name, join(this.#path, name)))
    }
  }

  async createBucket(name: string, properties: BucketProperties = {}): Promise<{ arn: string }> {
    // s3:bucketnamingrules; the name is a folder here, too.
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) || name.includes('..'))
      throw new Error(`${name} is not a bucket name: 3 to 63 of a-z 0-9 - and . are.`)
    const bucket = this.#buckets.get(name) ?? new Bucket(name, join(this.#path, name))
    this.#buckets.set(name, bucket)
    await bucket.setVersioning(properties.VersioningConfiguration?.Status)
    return { arn: `arn:aws:s3:::${name}` }
  }

  isEmpty(name: string): boolean {
    return (this.#buckets.get(name)?.keys() ?? []).length === 0
  }

  async deleteBucket(name: string): Promise<void> {
    if (this.#buckets.delete(name)) await rm(join(this.#path, name), { recursive: true })
  }

  async getObject(
    bucket: string,
    key: string,
    versionId?: string,
  ): Promise<StoredObject | undefined> {
    const found = this.find(bucket)
    const version = found?.find(key, versionId)
    if (found === undefined || version?.blob === undefined) return undefined
    return {
      body: await found.read(version),
      etag: version.etag,
      contentType: version.headers['content-type'] ?? 'application/octet-stream',
      ...(found.versioning === undefined ? {} : { versionId: version.versionId }),
    }
  }

  async putObject(
    bucket: string,
    key: string,
    body: Buffer,
    contentType = 'application/octet-stream',
  ): Promise<{ versionId?: string }> {
    const found = this.find(bucket)
    if (found === undefined) throw new Error(`There is no bucket ${bucket}.`)
    const { versionId } = await found.put(key, body, { 'content-type': contentType })
    this.changed(bucket, key)
    return found.versioning === undefined ? {} : { versionId }
  }

  onChange(listener: (bucket: string, key: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Every change is on disk before it is answered, so there is nothing to write. */
  async close(): Promise<void> {
    this.#listeners.clear()
  }

  find(name: string): Bucket | undefined {
    return this.#buckets.get(name)
  }

  all(): readonly Bucket[] {
    return [...this.#buckets].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, b]) => b)
  }

  changed(bucket: string, key: string): void {
    for (const listener of this.#listeners) listener(bucket, key)
  }
}

async function foldersIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function handle(
  buckets: Buckets,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  try {
    await serve(buckets, request, response)
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    if (request.method === 'HEAD') answer(response, error.status, {}, '')
    else answerServiceError(response, 's3', error.status, error.code, error.message)
  }
}
