import { join } from 'node:path'
import { parseTopic } from '@heliograph/protocol/identifiers'
import { MAX_JOINED_CHANNELS } from '@heliograph/protocol/limits'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { readText } from '../files.ts'
import { dealBehaviors, parseMix } from '../fleet/behavior.ts'
import { codesFrom, codesMadeBy, type NextCode } from '../fleet/codes.ts'
import { openFolder } from '../fleet/folder.ts'
import { Member } from '../fleet/member.ts'
import { consequence, isLocal } from '../fleet/place.ts'
import { runFleet } from '../fleet/run.ts'
import { Tally } from '../fleet/tally.ts'
import { checkChannelId } from '../operations/channels.ts'
import type { Report } from '../report.ts'
import { demandYes, type Runner, type Session } from '../session.ts'
import type { Address } from '../target.ts'
import { parseSpan, parseWhole } from '../values.ts'
import { topicsToHear } from './listen.ts'

interface SimulateOptions {
  readonly count: string
  readonly behaviors: string
  readonly topic?: readonly string[]
  readonly join?: readonly string[]
  readonly for?: string
  readonly day: string
  readonly fleet?: string
  readonly activateRate?: string
  readonly activationUrl?: string
  readonly ca?: string
  readonly codeFile?: string
  readonly yes?: boolean
}

/** What one process of one core holds beside a service on the same machine (docs/cli.md has the memory). */
const MOST_DEVICES = 5_000

/** Activations per second: a machine takes 50, and AWS registers 10 certificates a second in all. */
const RATE = { here: 50, elsewhere: 5 }

export function addSimulate(device: Command, run: Runner): void {
  device
    .command('simulate')
    .description('be a fleet of devices, for load tests and demonstrations')
    .option('--count <n>', 'how many devices', '100')
    .option('--behaviors <mix>', 'how they behave, one of them or shares', 'steady')
    .option('--topic <topic...>', 'register for these (default: the topic of the demo app)')
    .option('--join <channel...>', 'join these channels, and leave all others')
    .option('--for <time>', 'end after this time, once all are ready (default: until Ctrl-C)')
    .option('--day <time>', 'how long a day is for those that are offline at night', '10m')
    .option('--fleet <dir>', "the devices' own state (default: <state>/fleet)")
    .option('--activate-rate <n>', 'activations per second (default: 50 on this machine, else 5)')
    .option('--activation-url <url>', 'where they activate, if it is not at the deployment')
    .option('--ca <file>', 'CA of the activation endpoint, PEM, with --activation-url')
    .option('--code-file <file>', 'activation codes, one a line; if absent, your rights make them')
    .option('--yes', 'also where the service is not on this machine')
    .addHelpText('after', simulateHelp)
    .action((options: SimulateOptions, command: Command) =>
      run(command, (session) => simulate(session, options)),
    )
}

const simulateHelp = `
Behaviors: steady, flaky (comes and goes), silent (acknowledges nothing), slow (takes
2 to 8 s for each notification), offline-at-night (a third of each day).
The same folder brings the same devices back. Their tokens are in <fleet>/<topic>.tokens,
for send --tokens-file. Ctrl-C ends it with a summary.

Examples:
  heliograph device simulate --count 1000 --for 10m
  heliograph device simulate --count 500 --behaviors steady=80%,flaky=10%,silent=5%,slow=5%
  heliograph --target aws --stage load device simulate --topic com.example.app --for 1h --yes`

interface Order {
  readonly count: number
  readonly topics: readonly string[]
  readonly channels: readonly string[]
  readonly address: Address
  readonly activateRate: number
  readonly forSeconds: number | undefined
  readonly daySeconds: number
}

async function simulate(session: Session, options: SimulateOptions): Promise<Report> {
  const mix = parseMix(options.behaviors)
  const order = await orderOf(session, options)
  announce(session, options, order)
  const path = options.fleet ?? join(session.target.state, 'fleet')
  const folder = await openFolder(path, order.address.url)
  try {
    const { openDevice } = await import('@heliograph/device')
    const { topics, channels, daySeconds, count, activateRate, forSeconds } = order
    const tally = new Tally()
    const startedAt = Date.now()
    const members = dealBehaviors(mix, count).map(
      (behavior, at) =>
        new Member({
          ...{ behavior, directory: folder.deviceAt(at + 1), topics, channels, tally },
          ...{ dayMs: daySeconds * 1_000, startedAt, open: openDevice },
        }),
    )
    return await runFleet({
      ...{ session, folder, members, topics, tally, activateRate, address: order.address },
      forMs: forSeconds === undefined ? undefined : forSeconds * 1_000,
      codes: (needed) => codesOf(session, options, needed),
    })
  } finally {
    await folder.close()
  }
}

async function orderOf(session: Session, options: SimulateOptions): Promise<Order> {
  const count = countOf(options.count)
  const forSeconds = options.for === undefined ? undefined : spanOf('--for', options.for)
  const daySeconds = spanOf('--day', options.day)
  const { activateRate: rate } = options
  const known = rate === undefined ? undefined : parseWhole('--activate-rate', rate, 1, 1_000)
  demandCodes(options)
  const channels = channelsOf(options)
  const address = await addressOf(session, options)
  const activateRate = known ?? (isHere(session, address) ? RATE.here : RATE.elsewhere)
  const topics = await topicsToHear(session, options.topic)
  for (const topic of topics)
    if (!parseTopic(topic)) throw new Failure('usage', `"${topic}" is not a topic`)
  return { count, topics, channels, address, activateRate, forSeconds, daySeconds }
}

/** Node's timers end at 24 days. */
const MOST_DAYS = 20

function spanOf(option: string, text: string): number {
  const seconds = parseSpan(option, text)
  if (seconds >= 1 && seconds <= MOST_DAYS * 24 * 3600) return seconds
  throw new Failure('usage', `${option} must be between 1s and ${MOST_DAYS}d`)
}

function countOf(text: string): number {
  const count = parseWhole('--count', text, 1, 1_000_000)
  if (count <= MOST_DEVICES) return count
  throw new Failure(
    'usage',
    `one process simulates at most ${MOST_DEVICES} devices: start several, each with a --fleet of its own`,
  )
}

function channelsOf({ join: ids = [] }: SimulateOptions): readonly string[] {
  if (ids.length > MAX_JOINED_CHANNELS)
    throw new Failure('usage', `--join takes at most ${MAX_JOINED_CHANNELS} channels`)
  return [...new Set(ids.map(checkChannelId))]
}

function demandCodes({ activationUrl, codeFile, ca }: SimulateOptions): void {
  if (activationUrl !== undefined && codeFile === undefined)
    throw new Failure('usage', '--activation-url needs activation codes, too: add --code-file FILE')
  if (activationUrl === undefined && ca !== undefined)
    throw new Failure('usage', '--ca is for --activation-url: the deployment names its own CA')
}

async function addressOf(session: Session, options: SimulateOptions): Promise<Address> {
  const { activationUrl: url, ca } = options
  if (url === undefined) return (await session.entrances()).activation
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
    throw new Failure('usage', `--activation-url takes an https address, not "${url}"`)
  return { url, ...(ca !== undefined && { ca: await readText(ca, 'CA') }) }
}

function isHere({ target }: Session, { url }: Address): boolean {
  return target.target !== 'aws' && isLocal(url)
}

/** What it costs and leaves behind is said before it starts. */
function announce(session: Session, { yes }: SimulateOptions, order: Order): void {
  const { count, address, forSeconds } = order
  if (isHere(session, address)) return
  const isAws = session.target.target === 'aws'
  const text = consequence({ count, url: address.url, forSeconds, isAws })
  demandYes(yes, text)
  session.terminal.note(text)
}

async function codesOf(
  session: Session,
  { codeFile }: SimulateOptions,
  needed: number,
): Promise<NextCode> {
  if (codeFile === undefined) return codesMadeBy(() => session.deployment(), needed)
  return codesFrom(await readText(codeFile, 'activation codes'), codeFile, needed)
}
