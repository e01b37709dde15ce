import { createHash } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import aws4 from 'aws4'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Endpoint } from '../src/endpoint.ts'
import { type S3, startS3 } from '../src/s3/s3.ts'
import {
  clientOf,
  endpointFor,
  identity,
  logLines,
  operator,
  role,
  temporaryFolder,
} from './service-harness.ts'

let s3: S3
let endpoint: Endpoint
let client: S3Client
let folder: Awaited<ReturnType<typeof temporaryFolder>>
const { log } = logLines()
const Bucket = 'trust-bucket'
const reader = role(`s3:GetObject arn:aws:s3:::${Bucket}/truststore.pem`)
const lister = role(
  `s3:GetObject arn:aws:s3:::${Bucket}/truststore.pem`,
  `s3:ListBucket arn:aws:s3:::${Bucket}`,
)

async function start(): Promise<void> {
  s3 = await startS3({ identity, path: `${folder.path}/buckets`, log })
  endpoint = await endpointFor([s3.service], { operator, reader, lister })
  client = new S3Client(clientOf(endpoint))
}
async function stop(): Promise<void> {
  client.destroy()
  await endpoint.close()
  await s3.close()
}

const versioned = { VersioningConfiguration: { Status: 'Enabled' } as const }
beforeEach(async () => {
  folder = await temporaryFolder()
  await start()
  await s3.createBucket(Bucket, versioned)
})
afterEach(async () => {
  await stop()
  await folder.remove()
})

const put = (Key: string, Body: string | Buffer, more: object = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const get = async (Key: string, more: object = {}) => {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...more }))
  return { ...answer, text: (await answer.Body?.transformToString()) ?? '' }
}

describe('objects', () => {
  test('come back with their headers', async () => {
    const { ETag, VersionId } = await put('truststore.pem', 'PEM', {
      ContentType: 'application/x-pem-file',
      CacheControl: 'no-cache',
      Metadata: { issuer: 'heliograph' },
    })
    const answer = await get('truststore.pem')
    expect(answer).toMatchObject({
      text: 'PEM',
      ETag: `"${createHash('md5').update('PEM').digest('hex')}"`,
      VersionId,
      ContentType: 'application/x-pem-file',
      CacheControl: 'no-cache',
      ContentLength: 3,
      Metadata: { issuer: 'heliograph' },
      LastModified: expect.any(Date),
    })
    expect(ETag).toBe(answer.ETag)
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'truststore.pem' }))
    expect(head).toMatchObject({ ContentLength: 3, VersionId, ETag })
  })

  test('any key and any bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    for (const key of ['a b/ü+%?&=.pem', '../../escape', 'x'.repeat(1000), 'a//b']) {
      await put(key, bytes)
      const answer = await client.send(new GetObjectCommand({ Bucket, Key: key }))
      expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? [])).toEqual(bytes)
    }
    expect(await readdir(folder.path)).toEqual(['buckets'])
  })

  test('a stream arrives in aws-chunked form and is stored plain', async () => {
    const parts = Array.from({ length: 50 }, (_, index) => `${index}:${'x'.repeat(5000)}\r\n`)
    const Body = Readable.from(parts.map((part) => Buffer.from(part)))
    const ContentLength = Buffer.byteLength(parts.join(''))
    await client.send(new PutObjectCommand({ Bucket, Key: 'stream', Body, ContentLength }))
    const answer = await get('stream')
    expect(answer.text).toBe(parts.join(''))
    expect(answer.ContentEncoding).toBeUndefined()
  })

  test('parts by range', async () => {
    await put('x', '0123456789')
    const range = async (Range: string) => (await get('x', { Range })).text
    expect(await range('bytes=2-4')).toBe('234')
    expect(await range('bytes=7-')).toBe('789')
    expect(await range('bytes=-3')).toBe('789')
    expect((await get('x', { Range: 'bytes=2-4' })).ContentRange).toBe('bytes 2-4/10')
    await expect(range('bytes=20-')).rejects.toMatchObject({ name: 'InvalidRange' })
  })

  test('conditional reads', async () => {
    const { ETag } = await put('x', 'one')
    await expect(get('x', { IfMatch: '"other"' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    })
    await expect(get('x', { IfNoneMatch: ETag })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    })
    expect((await get('x', { IfMatch: ETag })).text).toBe('one')
  })

  test('conditional writes: of many creators one wins', async () => {
    const writes = Array.from({ length: 10 }, (_, index) =>
      put('x', `${index}`, { IfNoneMatch: '*' }),
    )
    const results = await Promise.allSettled(writes)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const { ETag } = await get('x')
    await put('x', 'changed', { IfMatch: ETag })
    await expect(put('x', 'again', { IfMatch: ETag })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    })
    expect((await get('x')).text).toBe('changed')
  })

  test('what is not there', async () => {
    await expect(get('none')).rejects.toMatchObject({ name: 'NoSuchKey' })
    const head = client.send(new HeadObjectCommand({ Bucket, Key: 'none' }))
    await expect(head).rejects.toMatchObject({ name: 'NotFound' })
    await put('x', '1')
    await expect(get('x', { VersionId: 'none' })).rejects.toMatchObject({ name: 'NoSuchVersion' })
    const elsewhere = client.send(new GetObjectCommand({ Bucket: 'no-bucket', Key: 'x' }))
    await expect(elsewhere).rejects.toMatchObject({ name: 'NoSuchBucket' })
    const copy = new CopyObjectCommand({ Bucket, Key: 'y', CopySource: `${Bucket}/x` })
    await expect(client.send(copy)).rejects.toMatchObject({ name: 'NotImplemented' })
  })
})

describe('versions', () => {
  test('each write is kept, and can be read and removed', async () => {
    const first = await put('x', 'one')
    const second = await put('x', 'two')
    expect(first.VersionId).not.toBe(second.VersionId)
    expect((await get('x')).text).toBe('two')
    expect((await get('x', { VersionId: first.VersionId })).text).toBe('one')
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'x', VersionId: second.VersionId }))
    expect((await get('x')).text).toBe('one')
  })

  test('a delete puts a marker on top', async () => {
    const { VersionId } = await put('x', 'one')
    const gone = await client.send(new DeleteObjectCommand({ Bucket, Key: 'x' }))
    expect(gone.DeleteMarker).toBe(true)
    await expect(get('x')).rejects.toMatchObject({ name: 'NoSuchKey' })
    expect((await get('x', { VersionId })).text).toBe('one')
    await expect(get('x', { VersionId: gone.VersionId })).rejects.toMatchObject({
      name: 'MethodNotAllowed',
    })
    const list = await client.send(new ListObjectVersionsCommand({ Bucket }))
    expect(list.DeleteMarkers).toMatchObject([
      { Key: 'x', VersionId: gone.VersionId, IsLatest: true },
    ])
    expect(list.Versions).toMatchObject([{ Key: 'x', VersionId, IsLatest: false }])
    const undo = { Bucket, Key: 'x', VersionId: gone.VersionId }
    await client.send(new DeleteObjectCommand(undo))
    expect((await get('x')).text).toBe('one')
  })

  test('a bucket without versioning keeps one, and no blob of another', async () => {
    await s3.createBucket('plain-bucket')
    const plain = { Bucket: 'plain-bucket', Key: 'x' }
    for (const Body of ['one', 'two']) {
      const answer = await client.send(new PutObjectCommand({ ...plain, Body }))
      expect(answer.VersionId).toBeUndefined()
    }
    const blobs = () => readdir(`${folder.path}/buckets/plain-bucket/blobs`)
    expect(await blobs()).toHaveLength(1)
    await client.send(new DeleteObjectCommand(plain))
    expect(await blobs()).toHaveLength(0)
    const status = await client.send(new GetBucketVersioningCommand({ Bucket: 'plain-bucket' }))
    expect(status.Status).toBeUndefined()
    const ours = await client.send(new GetBucketVersioningCommand({ Bucket }))
    expect(ours.Status).toBe('Enabled')
  })

  test('many are deleted at once', async () => {
    const { VersionId } = await put('a&b', '1')
    await put('c', '1')
    const Objects = [{ Key: 'a&b', VersionId }, { Key: 'c' }, { Key: 'none' }]
    const answer = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(answer.Deleted?.map(({ Key }) => Key)).toEqual(['a&b', 'c', 'none'])
    const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket }))
    expect(Versions?.map(({ Key }) => Key)).toEqual(['c'])
  })
})

describe('lists', () => {
  beforeEach(async () => {
    for (const key of ['a/1', 'a/2', 'b/1', 'c', 'd']) await put(key, key)
  })
  const list = (more: object = {}) => client.send(new ListObjectsV2Command({ Bucket, ...more }))

  test('by prefix and delimiter', async () => {
    const all = await list()
    expect(all.Contents?.map(({ Key }) => Key)).toEqual(['a/1', 'a/2', 'b/1', 'c', 'd'])
    expect(all).toMatchObject({ KeyCount: 5, IsTruncated: false })
    const top = await list({ Delimiter: '/' })
    expect(top.Contents?.map(({ Key }) => Key)).toEqual(['c', 'd'])
    expect(top.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['a/', 'b/'])
    expect((await list({ Prefix: 'a/' })).KeyCount).toBe(2)
    expect((await list({ StartAfter: 'b/1' })).KeyCount).toBe(2)
  })

  test.each([{}, { Delimiter: '/' }])('page by page %j', async (more) => {
    const seen: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await list({
        ...more,
        MaxKeys: 1,
        ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
      })
      seen.push(...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix))
      seen.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    const expected = 'Delimiter' in more ? ['a/', 'b/', 'c', 'd'] : ['a/1', 'a/2', 'b/1', 'c', 'd']
    expect(seen).toEqual(expected)
  })

  test('versions page by page', async () => {
    await put('c', 'again')
    const seen: string[] = []
    let marker: object | undefined = {}
    while (marker !== undefined) {
      const page: ListObjectVersionsCommandOutput = await client.send(
        new ListObjectVersionsCommand({ Bucket, MaxKeys: 2, ...marker }),
      )
      seen.push(...(page.Versions ?? []).map(({ Key = '' }) => Key))
      const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page
      marker = KeyMarker === undefined ? undefined : { KeyMarker, VersionIdMarker }
    }
    expect(seen).toEqual(['a/1', 'a/2', 'b/1', 'c', 'c', 'd'])
  })

  test('of buckets', async () => {
    const { Buckets } = await client.send(new ListBucketsCommand({}))
    expect(Buckets).toEqual([{ Name: Bucket, CreationDate: expect.any(Date) }])
    expect(Date.now() - Number(Buckets?.[0]?.CreationDate)).toBeLessThan(300_000)
    await client.send(new HeadBucketCommand({ Bucket }))
    const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket }))
    expect(LocationConstraint || undefined).toBeUndefined()
  })
})

describe('permissions', () => {
  test('a call without a grant is refused', async () => {
    await put('truststore.pem', 'PEM')
    const limited = new S3Client(clientOf(endpoint, 'reader'))
    const read = { Bucket, Key: 'truststore.pem' }
    expect((await limited.send(new GetObjectCommand(read))).ContentLength).toBe(3)
    const write = limited.send(new PutObjectCommand({ ...read, Body: 'x' }))
    await expect(write).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('s3:PutObject on resource: arn:aws:s3:::trust-bucket/trust'),
      $metadata: { httpStatusCode: 403 },
    })
    const version = limited.send(new GetObjectCommand({ ...read, VersionId: 'x' }))
    await expect(version).rejects.toThrow('s3:GetObjectVersion')
  })

  test('whether a key exists is told only to who may list', async () => {
    const read = (key: string) =>
      new S3Client(clientOf(endpoint, key)).send(
        new GetObjectCommand({ Bucket, Key: 'truststore.pem' }),
      )
    await expect(read('reader')).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(read('lister')).rejects.toMatchObject({ name: 'NoSuchKey' })
  })

  test('a refused entry of a batch delete does not stop the others', async () => {
    await put('x', '1')
    const limited = new S3Client(clientOf(endpoint, 'reader'))
    const answer = await limited.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'x' }], Quiet: true } }),
    )
    expect(answer.Errors).toMatchObject([{ Key: 'x', Code: 'AccessDenied' }])
    expect((await get('x')).text).toBe('1')
  })
})

test('a bucket in the host name', async () => {
  await put('folder/x', 'virtual')
  const { port } = endpoint
  const { request } = await import('node:http')
  const signed = aws4.sign(
    { host: `${Bucket}.localhost:${port}`, service: 's3', region: 'us-east-1', path: '/folder/x' },
    { accessKeyId: 'operator', secretAccessKey: 'any' },
  )
  const headers = signed.headers as Record<string, string>
  const text = await new Promise<string>((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path: '/folder/x', headers }, (answer) => {
      answer.setEncoding('utf8').on('data', resolve)
    })
    call.on('error', reject).end()
  })
  expect(text).toBe('virtual')
})

test('changes are heard of, from both sides', async () => {
  const heard: string[] = []
  const stopListening = s3.onChange((bucket, key) => heard.push(`${bucket}/${key}`))
  await put('truststore.pem', '1')
  await s3.putObject(Bucket, 'other', Buffer.from('2'))
  stopListening()
  await put('truststore.pem', '3')
  expect(heard).toEqual([`${Bucket}/truststore.pem`, `${Bucket}/other`])
})

test('objects are there after a restart', async () => {
  const { VersionId } = await put('x', 'one', { ContentType: 'text/plain' })
  await put('x', 'two')
  await stop()
  await start()
  await s3.createBucket(Bucket, versioned)
  const stored = await s3.getObject(Bucket, 'x', VersionId)
  expect(stored).toMatchObject({ body: Buffer.from('one'), contentType: 'text/plain' })
  expect((await s3.getObject(Bucket, 'x'))?.body.toString()).toBe('two')
  expect(await s3.getObject(Bucket, 'none')).toBeUndefined()
  await s3.deleteBucket(Bucket)
  expect(await s3.getObject(Bucket, 'x')).toBeUndefined()
})

test('a damaged index and a bad name are one clear sentence', async () => {
  await put('x', 'one')
  await stop()
  const file = `${folder.path}/buckets/${Bucket}/bucket.json`
  await writeFile(file, '{"objects":')
  await expect(start()).rejects.toThrow(`The state file ${file} is damaged`)
  await writeFile(file, '{"objects":{}}')
  await start()
  await expect(s3.createBucket('../x')).rejects.toThrow('is not a bucket name')
})
