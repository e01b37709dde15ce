import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import {
  AttachThingPrincipalCommand,
  CreateThingCommand,
  GetPolicyCommand,
  IoTClient,
  ListCertificatesCommand,
  ListThingsCommand,
  RegisterCertificateWithoutCACommand,
} from '@aws-sdk/client-iot'
import {
  DescribeKeyCommand,
  KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
} from '@aws-sdk/client-kms'
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import {
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { App } from 'aws-cdk-lib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inParallel } from '../../bench/fleet.ts'
import { bundleFunctions } from '../../bin/bundle.ts'
import { cdkContext } from '../../bin/context.ts'
import { stageOf } from '../../bin/stages.ts'
import { functionNames } from '../../lib/functions.ts'
import { Heliograph } from '../../lib/heliograph.ts'
import { defaultTuning } from '../../packages/embedded-cloud/src/cloud-options.ts'
import { clientOf } from '../../packages/embedded-cloud/test/cloud-support.ts'
import { makeDevice } from '../../packages/embedded-cloud/test/iot-support.ts'
import { openDeployment } from '../../packages/operator/src/aws-deployment.ts'
import { revokeDevice } from '../../packages/operator/src/operations/revoke-device.ts'
import { heliograph, welcomeOperator } from './operator-support.ts'
import { activatePlainly, readyDevice, startTarget } from './support.ts'
import type { Target } from './target.ts'

let target: Target
let iot: IoTClient

export function startStage(): void {
  beforeAll(async () => {
    // a detachment that takes its time, as at AWS
    target = await startTarget({ tuning: { ...defaultTuning, detachLagMs: 400 } })
    iot = new IoTClient(clientOf(target.cloud))
  })
  afterAll(() => target.close())
}

const things = async () => (await iot.send(new ListThingsCommand({}))).things ?? []
const certificates = async () =>
  (await iot.send(new ListCertificatesCommand({}))).certificates ?? []
const policy = 'heliograph-local-device'

/** A thing and a certificate of somebody else in the account. */
async function neighbor(): Promise<string> {
  const { cert: certificatePem } = await makeDevice('neighbor')
  const register = new RegisterCertificateWithoutCACommand({ certificatePem, status: 'ACTIVE' })
  const { certificateArn: principal, certificateId = '' } = await iot.send(register)
  await iot.send(new CreateThingCommand({ thingName: 'neighbor' }))
  await iot.send(new AttachThingPrincipalCommand({ thingName: 'neighbor', principal }))
  return certificateId
}

/** What is left of the stage, in each service's own words. */
async function leftovers(target: Target) {
  const settings = clientOf(target.cloud)
  const kms = new KMSClient(settings)
  const { Keys = [] } = await kms.send(new ListKeysCommand({}))
  const states = Keys.map(async ({ KeyId }) => {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }))
    return KeyMetadata?.KeyState
  })
  const s3 = new S3Client({ ...settings, forcePathStyle: true })
  const lambda = new LambdaClient(settings)
  const functions = functionNames.map((name) =>
    lambda.send(new GetFunctionCommand({ FunctionName: `heliograph-local-${name}` })).then(
      () => [name],
      () => [],
    ),
  )
  const stacks = await new CloudFormationClient(settings).send(new ListStacksCommand({}))
  return {
    stacks: stacks.StackSummaries ?? [],
    tables: (await new DynamoDBClient(settings).send(new ListTablesCommand({}))).TableNames,
    queues: (await new SQSClient(settings).send(new ListQueuesCommand({}))).QueueUrls ?? [],
    buckets: ((await s3.send(new ListBucketsCommand({}))).Buckets ?? []).map(({ Name }) => Name),
    functions: (await Promise.all(functions)).flat(),
    logs: readdirSync(join(target.state, 'logs')),
    aliases: (await kms.send(new ListAliasesCommand({}))).Aliases,
    keys: [...new Set(await Promise.all(states))],
    apis: [...target.cloud.apis, ...target.cloud.mutualTlsApis],
  }
}

export function emptiesDevices(): void {
  test('heliograph stage empty asks first, takes all devices away and nothing else, and can be repeated', async () => {
    welcomeOperator(target)
    await inParallel(12, 4, () => activatePlainly(target))
    const refused = await heliograph(target, ['stage', 'empty', 'local'])
    expect([refused.code, refused.err]).toEqual([4, expect.stringContaining('add --yes to do it')])
    const other = await heliograph(target, ['stage', 'empty', 'prod', '--yes'])
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('this is stage local')])
    expect(await things()).toHaveLength(12)

    const argv = ['stage', 'empty', 'local', '--yes', '--rate', '1000']
    const { out, err } = await heliograph(target, [...argv, '--json'])
    expect(JSON.parse(out)).toEqual({ stage: 'local', certificates: 12, devices: 12 })
    expect(err).toContain('12 certificates removed, 0 records gone through')
    expect(await things()).toEqual([])
    expect(await certificates()).toEqual([])
    expect((await iot.send(new GetPolicyCommand({ policyName: policy }))).policyName).toBe(policy)
    const again = await heliograph(target, [...argv, '--json'])
    expect(JSON.parse(again.out)).toEqual({ stage: 'local', certificates: 0, devices: 12 })
  })
}

/** The stage that was started is destroyed with that many devices, as the last thing that is done with it. */
export function leavesNothing(devices: number): void {
  test(`a stage that is destroyed leaves nothing of itself and of ${devices} devices`, async () => {
    const { device, token } = await readyDevice(target)
    expect(token).toMatch(/^[0-9a-f]+$/)
    await device.close()
    const activated = await inParallel(devices - 1, 8, () => activatePlainly(target))
    const deployment = await openDeployment({
      stage: target.stage,
      environment: target.cloud.environment,
    })
    // a revoked device has a certificate that holds no policy any more
    await revokeDevice(deployment, activated[0]?.answer.deviceId ?? '')
    deployment.close()
    const others = await neighbor()
    expect((await certificates()).length).toBeGreaterThan(devices - 1)

    await expect(target.cloud.destroy('Heliograph-local-State')).rejects.toThrow(
      /^The stack Heliograph-local-State cannot be deleted: the export \S+ is in use by Heliograph-local-/,
    )
    await target.cloud.destroy()

    expect((await things()).map(({ thingName }) => thingName)).toEqual(['neighbor'])
    expect((await certificates()).map(({ certificateId }) => certificateId)).toEqual([others])
    await expect(iot.send(new GetPolicyCommand({ policyName: policy }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
    expect(await leftovers(target)).toEqual({
      stacks: [],
      tables: [],
      queues: [],
      buckets: [],
      functions: [],
      logs: [],
      aliases: [],
      keys: ['PendingDeletion'],
      apis: [],
    })
  }, 180_000)
}

/** The local stage, but one that keeps its data. */
function synthesizeRetained(outdir: string): string {
  // CloudFormation's own rules are checked by every `cdk synth`; here they would double the time
  process.env.CDK_VALIDATION = 'false'
  const app = new App({ analyticsReporting: false, context: cdkContext(), outdir })
  const stage = stageOf(() => undefined, {})
  const code = bundleFunctions(join(outdir, 'bundles'))
  new Heliograph(app, 'Default', { ...stage, stageName: stage.name, removal: 'retain', code })
  return app.synth().directory
}

export function leavesData(): void {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-retained-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('a stage that keeps its data leaves tables, queues with what is in them, bucket and keys', async () => {
    const kept = await startTarget({ assembly: synthesizeRetained(join(folder, 'cdk.out')) })
    const sqs = new SQSClient(clientOf(kept.cloud))
    const { RuleErrors: QueueUrl } = kept.cloud.stackOutputs()['Heliograph-local-State'] ?? {}
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'to be looked at' }))
    const before = await leftovers(kept)
    expect(before.queues.length).toBeGreaterThan(4)

    await kept.cloud.destroy()

    const { stacks, functions, apis, ...after } = await leftovers(kept)
    expect({ stacks, functions, apis }).toEqual({ stacks: [], functions: [], apis: [] })
    // the canary's identity is nobody's data: a new one is enrolled
    const tables = (before.tables ?? []).filter((name) => !/CanaryIdentity/.test(name))
    const { buckets, keys } = before
    expect(after).toMatchObject({ tables, buckets, keys: [...keys, 'PendingDeletion'] })
    expect(after.queues).toEqual(before.queues.filter((url) => !/KeyUses/.test(url)))
    const { Messages: [message] = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }))
    expect(message?.Body).toBe('to be looked at')
    await kept.close()
  }, 180_000)
}
