import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff'
import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { prepareDemo } from '../../bin/demo.ts'
import { shapeRefusal } from '../../bin/embedded.ts'
import { type Cloud, startCloud } from '../../packages/embedded-cloud/src/cloud.ts'
import { clientOf } from '../../packages/embedded-cloud/test/cloud-support.ts'
import { unpackAssembly } from '../upgrade/assembly-file.ts'
import { assemblyWith, heliograph, welcomeOperator } from './operator-support.ts'
import { alertOf, openTestDevice, readyDevice, request } from './support.ts'
import type { Target } from './target.ts'

const STATE = 'Heliograph-local-State'
const PROVIDERS = 'Heliograph-local-Providers'
const folder = mkdtempSync(join(tmpdir(), 'heliograph-upgrade-'))
const released = join(folder, 'released')
let state = ''
const logs: string[] = []

let cloud: Cloud
beforeAll(() => unpackAssembly(released))
beforeEach(() => {
  state = mkdtempSync(join(folder, 'state-'))
})
afterAll(async () => {
  await cloud?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function start(assembly: string): Promise<Target> {
  const [edge] = cloud?.mutualTlsApis ?? []
  const [api] = cloud?.apis ?? []
  const portOf = (url: string) => Number(new URL(url).port)
  // devices, providers and queue URLs stay where they were
  const ports = edge &&
    api && {
      mutualTls: edge.port,
      api: portOf(api.url),
      mqtt: cloud.mqtt.port,
      endpoint: portOf(cloud.endpoint),
    }
  await cloud?.close()
  cloud = await startCloud({
    assembly,
    state,
    shapeRefusal,
    log: (part, line) => logs.push(`${part}: ${line}`),
    // what still waits for a later attempt would hold up every restart for as long as it may
    tuning: { drainMs: 200 },
    ...(ports && { ports }),
  })
  const close = () => cloud.close()
  const local = await prepareDemo(cloud, state)
  return { kind: 'embedded', stage: 'local', state, logs, cloud, local, restart: close, close }
}

/** A template's file is called after its place in the app, which may change: the stack's name may not. */
function templateIn(folder: string, name = STATE) {
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'))
  const artifacts = Object.values<{ properties?: Record<string, string> }>(
    read('manifest.json').artifacts,
  )
  const stack = artifacts.find(
    ({ properties }) =>
      properties?.stackName === name || properties?.templateFile === `${name}.template.json`,
  )
  return read(String(stack?.properties?.templateFile))
}

/** What holds data, or is known to others by its name. */
const stateful = /^AWS::(DynamoDB::|SQS::Queue$|KMS::|S3::Bucket$)/

/** Physical ids of what holds data, by logical id. */
async function holdings() {
  const client = new CloudFormationClient(clientOf(cloud))
  const found: Record<string, string> = {}
  for await (const page of paginateListStackResources({ client }, { StackName: STATE }))
    for (const {
      ResourceType,
      LogicalResourceId,
      PhysicalResourceId,
    } of page.StackResourceSummaries ?? [])
      if (stateful.test(ResourceType ?? ''))
        found[LogicalResourceId ?? ''] = PhysicalResourceId ?? ''
  return found
}

/** What an operator does with a damaged truststore; returns the version id of the copy. */
async function restoreTruststore(version: string): Promise<string> {
  const client = new S3Client({ ...clientOf(cloud), forcePathStyle: true })
  const { TrustBucket: Bucket, TruststoreKey: Key } = cloud.stackOutputs()[STATE] ?? {}
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, VersionId: version }))
  const pem = (await Body?.transformToString()) ?? ''
  const { VersionId = '' } = await client.send(new PutObjectCommand({ Bucket, Key, Body: pem }))
  await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId: version }))
  return VersionId
}

/** As synthesized with `-c truststoreVersion`: another version is another resource. */
function assemblyReading(version: string): string {
  const copy = assemblyWith({})
  const file = join(copy, 'HeliographlocalProviders.template.json')
  const text = readFileSync(file, 'utf8')
  const [id = ''] = /Truststore[0-9a-f]{8}Truststore[0-9A-F]{8}/i.exec(text) ?? []
  writeFileSync(
    file,
    text.replaceAll(id, 'TruststoreOther').replace(/("truststore": ?)"current"/, `$1"${version}"`),
  )
  return copy
}

const versionInUse = () => cloud.stackOutputs()[PROVIDERS]?.TruststoreVersion

async function isServed(target: Target): Promise<void> {
  const { device, token } = await readyDevice(target)
  const { status } = await request(target, { token, body: '{"aps":{}}' })
  expect(status).toBe(200)
  await device.close()
}

describe('a truststore that was restored', () => {
  test('is taken up by an upgrade from the version before', async () => {
    await start(released)
    const first = cloud.stackOutputs()[STATE]?.TruststoreVersion ?? ''
    const restored = await restoreTruststore(first)
    const after = await start(inject('assembly'))
    expect(versionInUse()).toBe(restored)
    await isServed(after)
  }, 180_000)

  test('is taken up by a deployment that names it, and by one that no longer names any', async () => {
    await start(inject('assembly'))
    const restored = await restoreTruststore(versionInUse() ?? '')
    const after = await start(assemblyReading(restored))
    expect(versionInUse()).toBe(restored)
    await isServed(after)
    welcomeOperator(after)
    const { out } = await heliograph(after, ['doctor', '--json'])
    expect(out).not.toContain('"problem"')
    await start(inject('assembly'))
    expect(versionInUse()).toBe(restored)
  }, 180_000)
})

describe('an upgrade from the version before', () => {
  test('replaces and removes nothing in State that holds data', () => {
    const { resources } = fullDiff(templateIn(released), templateIn(inject('assembly')))
    const harmless = [
      ResourceImpact.WILL_CREATE,
      ResourceImpact.WILL_UPDATE,
      ResourceImpact.NO_CHANGE,
    ]
    const harmed: string[] = []
    resources.forEachDifference((id, { changeImpact, oldResourceType = '' }) => {
      if (stateful.test(oldResourceType) && !harmless.includes(changeImpact))
        harmed.push(`${id} ${changeImpact}`)
    })
    expect(harmed).toEqual([])
  })

  test('keeps every export that a deployed stack imports, as State is updated first', () => {
    const exportsOf = (template: { Outputs: Record<string, { Export?: { Name: string } }> }) =>
      Object.fromEntries(
        Object.values(template.Outputs).flatMap((output) =>
          output.Export ? [[output.Export.Name, output]] : [],
        ),
      )
    const [before, after] = [templateIn(released), templateIn(inject('assembly'))].map(exportsOf)
    const users = [PROVIDERS, 'Heliograph-local-Devices'].map((name) => templateIn(released, name))
    const imported = new Set(JSON.stringify(users).match(/Heliograph-local-State:\w+/g))
    expect(imported.size).toBeGreaterThan(20)
    for (const name of imported) expect([name, after?.[name]]).toEqual([name, before?.[name]])
  })

  test('is seen to replace what it would', () => {
    const [before, after] = [templateIn(released), templateIn(released)]
    for (const { Type, Properties } of Object.values<{ Type: string; Properties: object }>(
      after.Resources,
    ))
      if (Type === 'AWS::SQS::Queue') Object.assign(Properties, { QueueName: 'other' })
    const { resources } = fullDiff(before, after)
    const impacts = new Set<string>()
    resources.forEachDifference((_id, { changeImpact }) => impacts.add(changeImpact))
    expect([...impacts]).toEqual([ResourceImpact.WILL_REPLACE])
  })

  test('keeps devices, tokens, providers and what waits', async () => {
    const before = await start(released)
    const { device, directory, token } = await readyDevice(before)
    await device.close()
    const waiting = await request(before, { token, body: '{"aps":{"alert":"before"}}' })
    expect(waiting.status).toBe(200)
    await vi.waitFor(() => expect(logs.join('\n')).toMatch(/deliver: .*"(held|stored|pending)/), {
      timeout: 60_000,
      interval: 50,
    })
    const held = await holdings()
    expect(Object.keys(held).length).toBeGreaterThan(15)

    // what waits has no seal: as CHANGELOG.md says, the operator has it believed for a while
    const until = Math.floor(Date.now() / 1000) + 3600
    const after = await start(assemblyWith({ UNSEALED_UNTIL: String(until) }))
    expect(await holdings()).toMatchObject(held)
    const opened = await openTestDevice(after, directory)
    await opened.device.connect()
    await vi.waitFor(() => expect(opened.received.map(alertOf)).toEqual(['before']), {
      timeout: 60_000,
      interval: 50,
    })
    const sent = await request(after, { token, body: '{"aps":{"alert":"after"}}' })
    expect(sent.status).toBe(200)
    await vi.waitFor(() => expect(opened.received.map(alertOf)).toEqual(['before', 'after']), {
      timeout: 60_000,
      interval: 50,
    })
    await opened.device.close()
  }, 180_000)
})
