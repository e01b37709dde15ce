import type { ServerResponse } from 'node:http'
import { AwsError, answer, notAuthorized } from '../answer.ts'
import type { ServiceRequest } from '../types.ts'
import { decodeAwsChunked } from './aws-chunked.ts'
import type { Bucket, Version } from './bucket.ts'
import { element, listObjectsV2, listObjectVersions, text } from './listing.ts'

export interface Buckets {
  find(name: string): Bucket | undefined
  /** By name. */
  all(): readonly Bucket[]
  /** Tells who listens that an object has changed. */
  changed(bucket: string, key: string): void
}

/** What a request is about, from its path or its host name. */
interface Target {
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
}

interface Call extends Target {
  readonly buckets: Buckets
  readonly request: ServiceRequest
  readonly response: ServerResponse
  readonly found: Bucket
}

/** Answers one S3 request; throws `AwsError` for what S3 refuses. */
export async function serve(
  buckets: Buckets,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  const target = targetOf(request)
  if (target.bucket === '') {
    listBuckets(buckets, request, response)
    return
  }
  const found = buckets.find(target.bucket)
  if (found === undefined)
    throw new AwsError('NoSuchBucket', `The bucket ${target.bucket} does not exist.`, 404)
  const call: Call = { ...target, buckets, request, response, found }
  await (target.key === '' ? serveBucket(call) : serveObject(call))
}

/** `/bucket/key`, or `/key` with a host name of `bucket.localhost`. */
function targetOf({ url, headers }: ServiceRequest): Target {
  const [path = '/', search = ''] = url.split(/\?(.*)/s)
  const decoded = decodePath(path).slice(1)
  const query = new URLSearchParams(search)
  const [, virtual] = /^(.+)\.localhost(?::\d+)?$/.exec(headers.host ?? '') ?? []
  if (virtual !== undefined && virtual !== 's3') return { bucket: virtual, key: decoded, query }
  const slash = decoded.indexOf('/')
  if (slash === -1) return { bucket: decoded, key: '', query }
  return { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1), query }
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new AwsError('InvalidURI', 'The path is not well percent-encoded.')
  }
}

async function serveBucket(call: Call): Promise<void> {
  const { request, query, found, response } = call
  const { method } = request
  if (method === 'HEAD') {
    authorize(call, 's3:ListBucket')
    answer(response, 200, {}, '')
  } else if (method === 'GET' && query.has('location')) {
    authorize(call, 's3:GetBucketLocation')
    answerXml(response, text('LocationConstraint', ''))
  } else if (method === 'GET' && query.has('versioning')) {
    authorize(call, 's3:GetBucketVersioning')
    answerXml(response, element('VersioningConfiguration', statusOf(found)))
  } else if (method === 'GET' && query.has('versions')) {
    authorize(call, 's3:ListBucketVersions', { 's3:prefix': query.get('prefix') ?? '' })
    answerXml(response, listObjectVersions(found, query))
  } else if (method === 'GET' && query.get('list-type') === '2') {
    authorize(call, 's3:ListBucket', { 's3:prefix': query.get('prefix') ?? '' })
    answerXml(response, listObjectsV2(found, query))
  } else if (method === 'POST' && query.has('delete')) await deleteObjects(call)
  else throw notImplemented(request)
}

async function serveObject(call: Call): Promise<void> {
  const { request, query } = call
  const special = ['acl', 'attributes', 'partNumber', 'retention', 'tagging', 'uploads', 'uploadId']
  if (special.some((name) => query.has(name)) || 'x-amz-copy-source' in request.headers)
    throw notImplemented(request)
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return getObject(call)
    case 'PUT':
      return putObject(call)
    case 'DELETE':
      return deleteObject(call)
  }
  throw notImplemented(request)
}

function notImplemented({ method, url }: ServiceRequest): AwsError {
  return new AwsError('NotImplemented', `The embedded S3 does not have ${method} ${url}.`, 501)
}

function authorize(
  { request, bucket }: Call,
  action: string,
  context: Readonly<Record<string, string>> = {},
  key?: string,
): void {
  const resource = `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`
  if (request.caller.may(action, resource, context)) return
  throw new AwsError('AccessDenied', notAuthorized(request.caller.name, action, resource), 403)
}

function listBuckets(buckets: Buckets, request: ServiceRequest, response: ServerResponse): void {
  const action = 's3:ListAllMyBuckets'
  if (!request.caller.may(action, '*'))
    throw new AwsError('AccessDenied', notAuthorized(request.caller.name, action, '*'), 403)
  const all = buckets.all().map(({ name, createdAt }) => {
    const created = text('CreationDate', new Date(createdAt).toISOString())
    return element('Bucket', [text('Name', name), created])
  })
  answerXml(response, element('ListAllMyBucketsResult', [element('Buckets', all)]))
}

async function getObject(call: Call): Promise<void> {
  const { query, key, found, request, response } = call
  const versionId = query.get('versionId') ?? undefined
  authorize(call, versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion', {}, key)
  const version = existing(call, versionId)
  const { headers } = request
  if (headers['if-match'] !== undefined && !matches(headers['if-match'], version))
    throw new AwsError('PreconditionFailed', 'The object has another ETag.', 412)
  const same = headers['if-none-match'] !== undefined && matches(headers['if-none-match'], version)
  if (same) return answer(response, 304, objectHeaders(found, version), '')
  const body = await found.read(version)
  const range = rangeOf(headers.range, body.length)
  const part = range === undefined ? body : body.subarray(range.start, range.end + 1)
  sendObject(call, version, part, range, body.length)
}

interface ByteRange {
  readonly start: number
  readonly end: number
}

function sendObject(
  { request, response, found }: Call,
  version: Version,
  part: Buffer,
  range: ByteRange | undefined,
  size: number,
): void {
  const headers = {
    ...objectHeaders(found, version),
    'accept-ranges': 'bytes',
    'content-length': part.length,
    ...(range === undefined
      ? {}
      : { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
  }
  const status = range === undefined ? 200 : 206
  answer(response, status, headers, request.method === 'HEAD' ? '' : part)
}

/** A single range (RFC 9110, 14.1.2); undefined for the whole object. */
function rangeOf(header: string | undefined, size: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || first + last === '') return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (start < size && start <= end) return { start, end }
  throw new AwsError('InvalidRange', 'The requested range is not satisfiable.', 416)
}

/** The version that a read is about; without s3:ListBucket, S3 does not say that a key is missing. */
function existing(call: Call, versionId: string | undefined): Version {
  const { found, key, request, bucket } = call
  const version = found.find(key, versionId)
  if (version?.blob !== undefined) return version
  if (version !== undefined && versionId !== undefined)
    throw new AwsError('MethodNotAllowed', 'The version is a delete marker.', 405)
  if (!request.caller.may('s3:ListBucket', `arn:aws:s3:::${bucket}`))
    throw new AwsError('AccessDenied', 'Access Denied', 403)
  if (versionId === undefined)
    throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404)
  throw new AwsError('NoSuchVersion', 'The specified version does not exist.', 404)
}

/** Compares an ETag with the list in If-Match or If-None-Match. */
function matches(list: string, { etag }: Version): boolean {
  return list.split(',').some((each) => ['*', etag, etag.slice(1, -1)].includes(each.trim()))
}

function objectHeaders(bucket: Bucket, version: Version): Record<string, string> {
  return {
    ...version.headers,
    etag: version.etag,
    'last-modified': new Date(version.modifiedAt).toUTCString(),
    ...versionHeader(bucket, version),
  }
}

function versionHeader({ versioning }: Bucket, { versionId }: Version): Record<string, string> {
  return versioning === undefined ? {} : { 'x-amz-version-id': versionId }
}

async function putObject(call: Call): Promise<void> {
  const { key, found, request, response, buckets, bucket } = call
  authorize(call, 's3:PutObject', {}, key)
  const version = await found.put(key, bodyOf(request), keptHeaders(request.headers), () =>
    refuseCondition(call),
  )
  buckets.changed(bucket, key)
  answer(response, 200, { etag: version.etag, ...versionHeader(found, version) }, '')
}

/** s3:conditional-writes: `If-None-Match: *`, and `If-Match` with an ETag. */
function refuseCondition({ found, key, request: { headers } }: Call): void {
  const newest = found.find(key)
  const present = newest?.blob === undefined ? undefined : newest
  const { 'if-none-match': none, 'if-match': match } = headers
  if (match !== undefined && present === undefined)
    throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404)
  const fails =
    (none === '*' && present !== undefined) ||
    (match !== undefined && present !== undefined && !matches(match, present))
  if (fails)
    throw new AwsError(
      'PreconditionFailed',
      'At least one of the pre-conditions you specified did not hold',
      412,
    )
}

function bodyOf({ headers, body }: ServiceRequest): Buffer {
  const hash = headers['x-amz-content-sha256']
  return typeof hash === 'string' && hash.startsWith('STREAMING-') ? decodeAwsChunked(body) : body
}

const keptHeaderNames = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
])

function keptHeaders(headers: ServiceRequest['headers']): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'application/octet-stream' }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue
    if (keptHeaderNames.has(name) || name.startsWith('x-amz-meta-')) kept[name] = value
  }
  const encoding = kept['content-encoding']?.replace(/\s*aws-chunked\s*,?\s*/, '')
  if (encoding === '') delete kept['content-encoding']
  else if (encoding !== undefined) kept['content-encoding'] = encoding
  return kept
}

async function deleteObject(call: Call): Promise<void> {
  const { key, query, response } = call
  const { marker, versionId } = await remove(call, key, query.get('versionId') ?? undefined)
  const headers = {
    ...(versionId === undefined ? {} : { 'x-amz-version-id': versionId }),
    ...(marker ? { 'x-amz-delete-marker': 'true' } : {}),
  }
  answer(response, 204, headers, '')
}

interface Removal {
  /** True when the version that was made or removed is a delete marker. */
  readonly marker: boolean
  readonly versionId: string | undefined
}

async function remove(call: Call, key: string, versionId: string | undefined): Promise<Removal> {
  const { found, buckets, bucket } = call
  authorize(call, versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', {}, key)
  const version =
    versionId === undefined ? await found.delete(key) : await found.deleteVersion(key, versionId)
  buckets.changed(bucket, key)
  const marker = version !== undefined && version.blob === undefined
  return { marker, versionId: version?.versionId ?? versionId }
}

async function deleteObjects(call: Call): Promise<void> {
  const xml = call.request.body.toString('utf8')
  const quiet = /<Quiet>\s*true\s*<\/Quiet>/.test(xml)
  const results: string[] = []
  for (const [, object = ''] of xml.matchAll(/<Object>(.*?)<\/Object>/gs)) {
    const result = await deleteListed(
      call,
      contentOf(object, 'Key') ?? '',
      contentOf(object, 'VersionId'),
    )
    if (!quiet || result.startsWith('<Error>')) results.push(result)
  }
  answerXml(call.response, element('DeleteResult', results))
}

async function deleteListed(call: Call, key: string, asked: string | undefined): Promise<string> {
  const version = asked === undefined ? [] : [text('VersionId', asked)]
  try {
    const { marker, versionId } = await remove(call, key, asked)
    const made = marker && versionId !== undefined ? markerElements(versionId) : []
    return element('Deleted', [text('Key', key), ...version, ...made])
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    const { code, message } = error
    return element('Error', [
      text('Key', key),
      ...version,
      text('Code', code),
      text('Message', message),
    ])
  }
}

function markerElements(versionId: string): string[] {
  return [text('DeleteMarker', 'true'), text('DeleteMarkerVersionId', versionId)]
}

function contentOf(xml: string, name: string): string | undefined {
  const content = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml)?.[1]
  return content?.replace(/&(lt|gt|quot|apos|amp|#\d+|#x[0-9a-fA-F]+);/g, (_all, entity: string) =>
    characterOf(entity),
  )
}

const namedEntities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
}

function characterOf(entity: string): string {
  const named = namedEntities[entity]
  if (named !== undefined) return named
  const code = entity.startsWith('#x')
    ? Number.parseInt(entity.slice(2), 16)
    : Number.parseInt(entity.slice(1), 10)
  return String.fromCodePoint(Math.min(code, 0x10ffff))
}

function statusOf({ versioning }: Bucket): string[] {
  return versioning === undefined ? [] : [text('Status', versioning)]
}

function answerXml(response: ServerResponse, xml: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`
  answer(response, 200, { 'content-type': 'application/xml' }, body)
}
