import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type Notification, parseNotification } from '@heliograph/core/notification'
import type { LocalFile } from '../../bin/demo.ts'
import { LOCAL_STAGE, type OperatorFile } from '../../bin/embedded.ts'
import { pause } from './device.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `npm start` in a process of its own, with a state folder that survives it. */
export interface ServiceProcess {
  readonly local: LocalFile
  /** SIGKILL, whatever it is doing. */
  kill(): Promise<void>
  /** Starts it anew on the same state and ports. */
  start(): Promise<void>
  /** The pending notifications, as the table holds them now. */
  slots(): Promise<Notification[]>
  /** Processor time that it has used since its start, seconds. */
  processorSeconds(): number
  /** Resolves when no notification waits in the queue or is being delivered. */
  queueEmpty(): Promise<void>
  /** Ends it in an orderly way and removes its state. */
  stop(): Promise<void>
}

export async function startProcess(): Promise<ServiceProcess> {
  const state = mkdtempSync(join(tmpdir(), 'heliograph-faults-'))
  const portBase = await freePorts()
  let child = await run(state, portBase)
  return {
    local: readJson<LocalFile>(state, 'local.json'),
    kill: () => end(child, 'SIGKILL'),
    async start() {
      child = await run(state, portBase)
    },
    slots: () => readSlots(state),
    processorSeconds: () => processorSeconds(child),
    queueEmpty: () => waitForQueue(state),
    async stop() {
      await end(child, 'SIGTERM')
      rmSync(state, { recursive: true, force: true })
    },
  }
}

/** Milliseconds for `npm start` to serve; other work on the machine may slow it. */
const START_LIMIT_MS = 90_000

async function run(state: string, portBase: number): Promise<ChildProcess> {
  rmSync(join(state, 'local.json'), { force: true })
  const child = spawn(
    process.execPath,
    [
      '--conditions=heliograph',
      '--import',
      'tsx',
      'bin/start.ts',
      '--quiet',
      '--state',
      state,
      '--port-base',
      `${portBase}`,
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString()
  })
  const isUp = () => existsSync(join(state, 'local.json'))
  await pause(START_LIMIT_MS, () => isUp() || child.exitCode !== null)
  if (isUp()) return child
  child.kill('SIGKILL')
  throw new Error(`npm start did not serve: ${complaint.trim()}`)
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await ended
}

/** Source: proc(5), fields 14 and 15 of `stat`, in ticks of 10 ms. */
function processorSeconds({ pid }: ChildProcess): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const [utime = 0, stime = 0] = fields.split(' ').slice(11, 13).map(Number)
  return (utime + stime) / 100
}

/** The first of three free ports in a row. */
async function freePorts(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 10_000)
    const free = await Promise.all([base, base + 1, base + 2].map(isFree))
    if (free.every(Boolean)) return base
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function readJson<T>(state: string, name: string): T {
  return JSON.parse(readFileSync(join(state, name), 'utf8')) as T
}

/** What an AWS client needs to reach the process as its operator. */
function operator(state: string) {
  const { environment } = readJson<OperatorFile>(state, 'operator.json')
  return {
    endpoint: environment.AWS_ENDPOINT_URL ?? '',
    region: environment.AWS_REGION ?? '',
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    },
  }
}

async function outputOf(state: string, key: string): Promise<string> {
  const client = new CloudFormationClient(operator(state))
  const StackName = `Heliograph-${LOCAL_STAGE}-State`
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }))
  client.destroy()
  return Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue ?? ''
}

async function readSlots(state: string): Promise<Notification[]> {
  const client = new DynamoDBClient(operator(state))
  const TableName = await outputOf(state, 'PendingTable')
  const { Items = [] } = await client.send(new ScanCommand({ TableName, ConsistentRead: true }))
  client.destroy()
  return Items.map(({ notification }) => parseNotification(notification?.S ?? '')).filter(
    (slot) => slot !== undefined,
  )
}

async function waitForQueue(state: string): Promise<void> {
  const client = new SQSClient(operator(state))
  const QueueUrl = await outputOf(state, 'NotificationQueue')
  const depth = async () => {
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    )
    const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes
    return Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesNotVisible)
  }
  while ((await depth()) > 0) await pause(100)
  client.destroy()
}
