import { escapeXml } from '../answer.ts'
import type { Bucket, Version } from './bucket.ts'

/** The XML answers of ListObjectsV2 and ListObjectVersions. */

const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
const maxKeysLimit = 1000

interface Row {
  readonly key: string
  readonly version: Version
  readonly newest: boolean
}

interface Page {
  readonly rows: readonly Row[]
  readonly prefixes: readonly string[]
  /** The first row that did not fit. */
  readonly next: Row | undefined
}

/** ListObjectsV2: the newest versions that are not delete markers. */
export function listObjectsV2(bucket: Bucket, query: URLSearchParams): string {
  const token = query.get('continuation-token')
  const after = token === null ? query.get('start-after') : fromToken(token)
  const rows = rowsOf(bucket).filter(
    ({ key, version, newest }) =>
      newest && version.blob !== undefined && (after === null || compare(key, after) > 0),
  )
  const { rows: some, prefixes, next } = page(rows, query)
  const last = some.at(-1)?.key ?? prefixes.at(-1) ?? ''
  return element(`ListBucketResult ${namespace}`, [
    ...head(bucket, query, next !== undefined),
    text('KeyCount', some.length + prefixes.length),
    ...(token === null ? [] : [text('ContinuationToken', token)]),
    ...(next === undefined ? [] : [text('NextContinuationToken', toToken(last))]),
    ...some.map(({ key, version }) => element('Contents', contents(key, version))),
    ...commonPrefixes(prefixes),
  ])
}

/** ListObjectVersions: every version and delete marker. */
export function listObjectVersions(bucket: Bucket, query: URLSearchParams): string {
  const rows = rowsOf(bucket)
  const { rows: some, prefixes, next } = page(afterMarker(rows, query), query)
  const last = some.at(-1)
  const markers =
    next === undefined || last === undefined
      ? []
      : [text('NextKeyMarker', last.key), text('NextVersionIdMarker', last.version.versionId)]
  return element(`ListVersionsResult ${namespace}`, [
    ...head(bucket, query, next !== undefined),
    ...markers,
    ...some.map(versionElement),
    ...commonPrefixes(prefixes),
  ])
}

function afterMarker(rows: readonly Row[], query: URLSearchParams): readonly Row[] {
  const key = query.get('key-marker')
  if (!key) return rows
  const versionId = query.get('version-id-marker')
  const at = rows.findIndex((row) => row.key === key && row.version.versionId === versionId)
  return at === -1 ? rows.filter((row) => compare(row.key, key) > 0) : rows.slice(at + 1)
}

function rowsOf(bucket: Bucket): Row[] {
  return bucket
    .keys()
    .flatMap((key) =>
      bucket.versions(key).map((version, index) => ({ key, version, newest: index === 0 })),
    )
}

function page(rows: readonly Row[], query: URLSearchParams): Page {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const max = maxKeysOf(query)
  const prefixes: string[] = []
  const some: Row[] = []
  for (const row of rows) {
    if (!row.key.startsWith(prefix)) continue
    const group = groupOf(row.key, prefix, delimiter)
    if (group !== undefined && prefixes.at(-1) === group) continue
    if (some.length + prefixes.length >= max) return { rows: some, prefixes, next: row }
    if (group === undefined) some.push(row)
    else prefixes.push(group)
  }
  return { rows: some, prefixes, next: undefined }
}

function groupOf(key: string, prefix: string, delimiter: string): string | undefined {
  const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
  return end === -1 ? undefined : key.slice(0, end + delimiter.length)
}

function maxKeysOf(query: URLSearchParams): number {
  const asked = Number(query.get('max-keys') ?? maxKeysLimit)
  return Number.isInteger(asked) && asked >= 0 ? Math.min(asked, maxKeysLimit) : maxKeysLimit
}

function head(bucket: Bucket, query: URLSearchParams, truncated: boolean): string[] {
  const delimiter = query.get('delimiter')
  return [
    text('Name', bucket.name),
    text('Prefix', query.get('prefix') ?? ''),
    ...(delimiter ? [text('Delimiter', delimiter)] : []),
    text('MaxKeys', maxKeysOf(query)),
    text('IsTruncated', String(truncated)),
  ]
}

function contents(key: string, { modifiedAt, etag, size }: Version): string[] {
  return [
    text('Key', key),
    text('LastModified', new Date(modifiedAt).toISOString()),
    text('ETag', etag),
    text('Size', size),
    text('StorageClass', 'STANDARD'),
  ]
}

function versionElement({ key, version, newest }: Row): string {
  const identity = [text('VersionId', version.versionId), text('IsLatest', String(newest))]
  if (version.blob !== undefined)
    return element('Version', [...contents(key, version), ...identity])
  const modified = text('LastModified', new Date(version.modifiedAt).toISOString())
  return element('DeleteMarker', [text('Key', key), modified, ...identity])
}

function commonPrefixes(prefixes: readonly string[]): string[] {
  return prefixes.map((prefix) => element('CommonPrefixes', [text('Prefix', prefix)]))
}

/** An element with text content. */
export function text(name: string, value: string | number): string {
  return `<${name}>${escapeXml(String(value))}</${name}>`
}

/** An element with child elements; `name` may carry attributes. */
export function element(name: string, children: readonly string[]): string {
  return `<${name}>${children.join('')}</${name.split(' ')[0]}>`
}

function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function toToken(key: string): string {
  return Buffer.from(key).toString('base64url')
}

/** A common prefix ends a page before the keys inside it, so the next page begins after all of them. */
function fromToken(token: string): string {
  const key = Buffer.from(token, 'base64url').toString()
  return key.endsWith('/') ? `${key}\u{10ffff}` : key
}
