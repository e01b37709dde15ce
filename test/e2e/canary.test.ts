import { DynamoDBClient, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import type { CanaryReport } from '@heliograph/core/canary/run-canary'
import { CANARY_TOPIC } from '@heliograph/protocol/canary'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EnrolledCanary } from '../../packages/operator/src/operations/canary.ts'
import { heliograph, heliographJson, openFor, welcomeOperator } from './operator-support.ts'
import { clientOptions, startTarget, until } from './support.ts'
import type { Target } from './target.ts'

let target: Target
/** Until then the queue takes no notification. */
let isQueueDown = false

beforeAll(async () => {
  target = await startTarget({
    beforeService: ({ service, action }) =>
      isQueueDown && service === 'sqs' && action === 'SendMessage'
        ? { outcome: 'answer', status: 500, code: 'InternalError', message: 'down' }
        : undefined,
  })
  welcomeOperator(target)
})
afterAll(() => target?.close())

async function run(): Promise<CanaryReport> {
  const { out } = await heliograph(target, ['canary', 'run', '--json'])
  return JSON.parse(out) as CanaryReport
}

/** What the log says of a run. On a busy machine an acknowledgement may come too late, but not each time. */
async function acknowledged(triesLeft = 5): Promise<string[]> {
  const { uniqueId = '' } = await run()
  const ends = /"canary":"(?:delivered|stored)"/
  await until(() => linesAbout(uniqueId).some((line) => ends.test(line)) || undefined)
  const lines = linesAbout(uniqueId)
  if (lines.some((line) => line.includes('"canary":"delivered"'))) return lines
  if (triesLeft === 0) throw new Error(`the device acknowledged nothing:\n${lines.join('\n')}`)
  return acknowledged(triesLeft - 1)
}

const enroll = () => heliographJson<EnrolledCanary>(target, 'canary', 'enroll')

/** The JSON lines that tell of a notification, by the function that wrote them. */
function linesAbout(uniqueId: string): string[] {
  return target.logs.filter((line) => line.includes(uniqueId))
}

describe('before it is enrolled, the canary', () => {
  it('is silent, and says what to do', async () => {
    const { code, out } = await heliograph(target, ['canary', 'run'])
    expect(code).toBe(1)
    expect(out).toMatch(/heard +no/)
    expect(out).toContain('run heliograph canary enroll')
    const line = await until(() => target.logs.find((one) => one.includes('not heard')))
    // without a value, which is what the alarm waits for
    expect(line).not.toContain('_aws')
  })

  it('is a warning of the doctor', async () => {
    const { out } = await heliograph(target, ['doctor'])
    expect(out).toMatch(/warning +canary +the canary is nobody yet/)
  })
})

describe('once it is enrolled, the canary', () => {
  let enrolled: EnrolledCanary
  beforeAll(async () => {
    enrolled = await enroll()
  })

  it('hears what is sent to it the whole way', async () => {
    const report = await run()
    expect(report).toMatchObject({ heard: true, uniqueId: expect.any(String) })
    const { acceptanceMs = 0, uniqueId = '' } = report
    expect(acceptanceMs).toBeGreaterThan(0)
    const line = await until(() =>
      linesAbout(uniqueId).find((one) => one.includes('the canary was heard')),
    )
    const logged = JSON.parse(line.slice(line.indexOf('{')))
    expect(logged).toMatchObject({
      stage: target.stage,
      CanaryAcceptanceTime: Math.round(acceptanceMs),
      CanaryDeviceTime: expect.any(Number),
      _aws: { CloudWatchMetrics: [{ Namespace: 'Heliograph', Dimensions: [['stage']] }] },
    })
  })

  it('acknowledges it, and counts in no figure of the owner', async () => {
    const lines = await acknowledged()
    expect(lines.join('\n')).toContain('"canary":"accepted"')
    for (const line of lines) expect(line).not.toMatch(/"(outcome|countedTopic|DeliveryTime)"/)
  })

  it('keeps its keys where nobody can read them', async () => {
    const dynamoDb = new DynamoDBClient(clientOptions(target))
    const { TableNames = [] } = await dynamoDb.send(new ListTablesCommand({}))
    const own = TableNames.filter((name) => name.includes('Canary'))
    expect(own).toHaveLength(1)
    const { Items = [] } = await dynamoDb.send(new ScanCommand({ TableName: own[0] }))
    expect(Items.map(({ name }) => name?.S).sort()).toEqual(['identity', 'next'])
    for (const { sealed } of Items) {
      const text = Buffer.from(sealed?.B ?? []).toString('latin1')
      expect(text.length).toBeGreaterThan(1_000)
      expect(text).not.toMatch(/PRIVATE|CERTIFICATE|deviceId/)
    }
    expect(target.logs.join('\n')).not.toContain('PRIVATE KEY')
    dynamoDb.destroy()
  })

  it('may send to its own topic and to no other', async () => {
    const deployment = await openFor(target)
    const records = await deployment.ports.providers.list()
    const own = records.find(({ fingerprint }) => fingerprint === enrolled.fingerprint)
    expect(own?.topics).toEqual([CANARY_TOPIC])
    await deployment.close()
  })

  it('tells where the way ends', async () => {
    isQueueDown = true
    const report = await run()
    isQueueDown = false
    expect(report).toMatchObject({ heard: false, step: 'send' })
    expect(JSON.stringify(report)).toContain('503: ServiceUnavailable')
    expect((await run()).heard).toBe(true)
  })

  it('becomes somebody else, and who it was is shut out', async () => {
    const next = await enroll()
    expect(next).toMatchObject({ replacedDevice: enrolled.deviceId, revoked: 1 })
    expect(next.deviceId).not.toBe(enrolled.deviceId)
    expect((await run()).heard).toBe(true)
    const { out } = await heliograph(target, ['device', 'show', enrolled.deviceId])
    expect(out).toMatch(/state +revoked/)
  })

  it('is well in the eyes of the doctor', async () => {
    const { out } = await heliograph(target, ['doctor'])
    expect(out).toMatch(/ok +canary +heard what was sent to it after \d+ ms/)
  })
})
