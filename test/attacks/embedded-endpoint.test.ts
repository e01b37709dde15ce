import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import aws4 from 'aws4'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startSynthesized } from '../../bin/embedded.ts'
import type { Cloud } from '../../packages/embedded-cloud/src/cloud.ts'

/** A web page, or another user of the machine, wants the CA to sign for it: all it has is the port. */

const start = (folder: string) => startSynthesized({ state: folder, assembly: inject('assembly') })

let cloud: Cloud
let state: string
beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'heliograph-attack-'))
  cloud = await start(state)
})
afterAll(async () => {
  await cloud.close()
  rmSync(state, { recursive: true, force: true })
})

const settings = (accessKeyId: string, secretAccessKey: string) => ({
  endpoint: cloud.endpoint,
  region: cloud.identity.region,
  credentials: { accessKeyId, secretAccessKey },
  maxAttempts: 1,
})

const keys = () => {
  const { AWS_ACCESS_KEY_ID: id = '', AWS_SECRET_ACCESS_KEY: secret = '' } = cloud.environment
  return { id, secret }
}

describe('a secret that is guessed', () => {
  const guesses: [string, () => [string, string]][] = [
    ['operator', () => ['operator', 'operator']],
    ['the right id as its secret', () => [keys().id, keys().id]],
    ['the right id, another secret', () => [keys().id, keys().secret.toLowerCase()]],
  ]
  test.each(guesses)('%s', async (_what, guess) => {
    const refused = { $metadata: { httpStatusCode: 403 } }
    const [id, secret] = guess()
    const guessed = settings(id, secret)
    await expect(new KMSClient(guessed).send(new ListKeysCommand({}))).rejects.toMatchObject(
      refused,
    )
    await expect(new DynamoDBClient(guessed).send(new ListTablesCommand({}))).rejects.toMatchObject(
      refused,
    )
    await expect(new S3Client(guessed).send(new ListBucketsCommand({}))).rejects.toMatchObject(
      refused,
    )
  })
})

/**
 * A call that is signed with the right key for the given host, so that nothing but what it changes can
 * be why it is refused; answers with status and body, a line each.
 */
function sentWith(
  changed: Record<string, string>,
  host = new URL(cloud.endpoint).host,
): Promise<string> {
  const { port } = new URL(cloud.endpoint)
  const path = '/'
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'TrentService.ListKeys',
  }
  const call = {
    host,
    service: 'kms',
    region: cloud.identity.region,
    method: 'POST',
    path,
    headers,
  }
  const signed = aws4.sign(
    { ...call, body: '{}' },
    { accessKeyId: keys().id, secretAccessKey: keys().secret },
  )
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method: 'POST', path }
    const sent = { ...(signed.headers as Record<string, string>), ...changed }
    request({ ...options, headers: sent }, (response) => {
      text(response).then((body) => resolve(`${response.statusCode}\n${body}`), reject)
    })
      .on('error', reject)
      .end('{}')
  })
}

describe('a page in a browser', () => {
  test.each(['https://evil.example', 'null'])('of the origin %s', async (origin) => {
    expect(await sentWith({ origin })).toMatch(/^403\n.*Web pages may not call/)
  })

  test('whose name was pointed at loopback', async () => {
    const { port } = new URL(cloud.endpoint)
    expect(await sentWith({}, `evil.example:${port}`)).toMatch(/^403\n.*The Host header must be/)
  })

  test('that has a link with credentials', async () => {
    const { host } = new URL(cloud.endpoint)
    const { path } = aws4.sign(
      { host, service: 's3', region: cloud.identity.region, path: '/', signQuery: true },
      { accessKeyId: keys().id, secretAccessKey: keys().secret },
    )
    const response = await fetch(`${cloud.endpoint}${path}`)
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('Credentials in a query')
  })
})

describe('the key', () => {
  test('lies where only its owner reads it', () => {
    expect(statSync(join(state, 'operator.json')).mode & 0o777).toBe(0o600)
  })

  test('is another in each state folder, and the same after a restart', async () => {
    const before = cloud.environment
    await cloud.close()
    cloud = await start(state)
    const { AWS_SECRET_ACCESS_KEY: secret } = before
    expect(cloud.environment.AWS_SECRET_ACCESS_KEY).toBe(secret)
    expect(secret).toHaveLength(40)
    const elsewhere = mkdtempSync(join(tmpdir(), 'heliograph-attack-'))
    const other = await start(elsewhere)
    expect(other.environment.AWS_SECRET_ACCESS_KEY).not.toBe(secret)
    await other.close()
    rmSync(elsewhere, { recursive: true, force: true })
  })
})

test('the right key still does everything', async () => {
  const { id, secret } = keys()
  const { Keys = [] } = await new KMSClient(settings(id, secret)).send(new ListKeysCommand({}))
  expect(Keys.length).toBeGreaterThan(0)
  expect(await sentWith({})).toMatch(/^200\n/)
})
