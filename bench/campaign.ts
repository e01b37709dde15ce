import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { GetQueueAttributesCommand, PurgeQueueCommand } from '@aws-sdk/client-sqs'
import type { DeviceToken, Topic } from '@heliograph/protocol/identifiers'
import type { LocalFile } from '../bin/demo.ts'
import { LOCAL_STAGE, type OperatorFile } from '../bin/embedded.ts'
import { openDeployment } from '../packages/operator/src/aws-deployment.ts'
import type { AwsDeployment } from '../packages/operator/src/aws-stage.ts'
import { main, processTerminal } from '../packages/operator/src/main.ts'
import { type ServiceProcess, startCloudProcess } from './cloud-process.ts'
import { round, rounds } from './figures.ts'
import { inParallel } from './fleet.ts'
import { openProvider, send } from './provider.ts'
import { registerOffline } from './registered.ts'
import type { Row } from './report.ts'

export interface CampaignOptions {
  /** Device tokens of all rounds together, each its own. */
  readonly tokens: number
  /** Single sends of each round. */
  readonly sends: number
  readonly inFlight: number
  readonly rounds: number
  readonly portBase: number
}

/** Notifications a second of one round: answered 200, and worked off by deliver as well. */
interface Rate {
  readonly accepted: number
  readonly ended: number
  /** With 5xx, on a machine that is too busy. */
  readonly refused: number
}

/** Of one round: single sends, as many by a campaign, and a campaign of its full size. */
interface Round {
  readonly single: Rate
  readonly same: Rate
  /** Accepted a second. */
  readonly many: number
}

/**
 * The same notification to devices that are away, by single sends and by `heliograph send --tokens-file`, in turn on one
 * embedded cloud. Each device gets one notification: more would coalesce, which looks like loss. What a campaign of full size
 * leaves in the queue is thrown away, because deliver is busy with it for many minutes.
 */
export async function benchCampaign(
  options: CampaignOptions,
  say: (line: string) => void,
): Promise<Row[]> {
  const cloud = await startCloudProcess(options.portBase)
  const deployment = await openDeployment({
    stage: LOCAL_STAGE,
    environment: operatorOf(cloud).environment,
  })
  try {
    return await measure(cloud, deployment, options, say)
  } finally {
    await deployment.close()
    await cloud.stop()
  }
}

function operatorOf({ state }: ServiceProcess): OperatorFile {
  return JSON.parse(readFileSync(join(state, 'operator.json'), 'utf8')) as OperatorFile
}

async function measure(
  cloud: ServiceProcess,
  deployment: AwsDeployment,
  { tokens: count, sends, inFlight, rounds: times }: CampaignOptions,
  say: (line: string) => void,
): Promise<Row[]> {
  const { local } = cloud
  // one round to warm up, which is not counted
  const each = Math.floor(count / times)
  const register = (some: number) =>
    registerOffline(deployment, local.provider.topic as Topic, some)
  const measured: Round[] = []
  for (let n = 0; n <= times; n += 1) {
    const single = await singleSends(local, deployment, await register(sends), inFlight)
    const same = await rateOf(deployment, sends, campaign(cloud, await register(sends), `${n}a`))
    const size = n === 0 ? sends : each
    const many = await acceptedOf(size, campaign(cloud, await register(size), `${n}b`))
    await empty(deployment)
    say(`round ${n} of ${times}: ${JSON.stringify({ single, same, many: many.perSecond })}`)
    if (n > 0) measured.push({ single, same, many: many.perSecond })
  }
  return rowsOf(measured, { each, sends, inFlight })
}

function rowsOf(
  measured: readonly Round[],
  { each, sends, inFlight }: { each: number; sends: number; inFlight: number },
): Row[] {
  const of = (figure: (one: Round) => number, digits = 0) => rounds(measured.map(figure), digits)
  return [
    {
      what: `single sends, ${inFlight} in flight, ${sends} a round`,
      figures: {
        'accepted per second': of(({ single }) => single.accepted),
        'worked off per second': of(({ single }) => single.ended),
        refused: measured.reduce((sum, { single }) => sum + single.refused, 0),
      },
    },
    {
      what: `send --tokens-file, ${sends} a round`,
      figures: {
        'accepted per second': of(({ same }) => same.accepted),
        'worked off per second': of(({ same }) => same.ended),
      },
    },
    {
      what: `send --tokens-file, ${each} a round`,
      figures: { 'accepted per second': of(({ many }) => many) },
    },
    {
      what: 'many over single',
      figures: {
        'accepted per second': of(({ many, single }) => many / single.accepted, 1),
        'worked off per second': of(({ same, single }) => same.ended / single.ended, 1),
      },
    },
  ]
}

async function singleSends(
  local: LocalFile,
  deployment: AwsDeployment,
  tokens: readonly DeviceToken[],
  inFlight: number,
): Promise<Rate> {
  const session = openProvider(local)
  const { topic } = local.provider
  try {
    const work = async () => {
      const statuses = await inParallel(tokens.length, inFlight, (n) =>
        send(session, { path: `/3/device/${tokens[n]}`, topic, alert: 'single' }),
      )
      return statuses.filter((status) => status === 200).length
    }
    return await rateOf(deployment, tokens.length, work)
  } finally {
    session.close()
  }
}

/** The command as a user types it, in this process as the single sends are; says how many were accepted. */
function campaign(
  { state }: ServiceProcess,
  tokens: readonly DeviceToken[],
  name: string,
): () => Promise<number> {
  const path = join(state, `tokens-${name}.txt`)
  writeFileSync(path, tokens.join('\n'))
  return async () => {
    const lines: string[] = []
    const terminal = { ...processTerminal(), print: (line: string) => lines.push(line) }
    const argv = ['--state', state, '--json', 'send', '--tokens-file', path, '--alert', 'many']
    if ((await main(argv, terminal)) !== 0) throw new Error(`the campaign failed: ${lines.join()}`)
    return (JSON.parse(lines.join('\n')) as { readonly accepted: number }).accepted
  }
}

interface Accepted {
  readonly perSecond: number
  /** Beginning of the work, by `performance.now`. */
  readonly started: number
  readonly accepted: number
  /** With 5xx, on a machine that is too busy. */
  readonly refused: number
}

/** The rate of a piece of work that sends so many notifications. */
async function acceptedOf(count: number, work: () => Promise<number>): Promise<Accepted> {
  const started = performance.now()
  const accepted = await work()
  return { started, perSecond: perSecond(accepted, started), accepted, refused: count - accepted }
}

function perSecond(count: number, started: number): number {
  return round((count * 1_000) / (performance.now() - started), 0)
}

/** Both rates of a piece of work. */
async function rateOf(
  deployment: AwsDeployment,
  count: number,
  work: () => Promise<number>,
): Promise<Rate> {
  const { started, refused, ...sent } = await acceptedOf(count, work)
  while (!(await isEmpty(deployment))) await wait(50)
  return { accepted: sent.perSecond, ended: perSecond(sent.accepted, started), refused }
}

/** Throws away what is in the queue; what deliver has in hand comes to its end, or comes back and goes, too. */
async function empty(deployment: AwsDeployment): Promise<void> {
  const { clients, outputs } = deployment
  while (!(await isEmpty(deployment))) {
    await clients.sqs.send(new PurgeQueueCommand({ QueueUrl: outputs.NotificationQueue }))
    await wait(1_000)
  }
}

const counts = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const

async function isEmpty({ clients, outputs }: AwsDeployment): Promise<boolean> {
  const command = new GetQueueAttributesCommand({
    QueueUrl: outputs.NotificationQueue,
    AttributeNames: [...counts],
  })
  const { Attributes = {} } = await clients.sqs.send(command)
  return counts.every((name) => Attributes[name] === '0')
}
