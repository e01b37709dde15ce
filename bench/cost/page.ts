import { canarySection } from './canary.ts'
import { channelsSection } from './channels.ts'
import { COUNTED, OFFLINE, ONLINE, PAYLOAD_BYTES } from './count.ts'
import type { Counted } from './counted.ts'
import { assumed, deviceMonth, type Facts, idleMonth, total } from './model.ts'
import {
  type Amounts,
  dollars,
  PRICES_AS_OF,
  type Price,
  type PriceName,
  peers,
  prices,
} from './prices.ts'
import { slotsSection } from './slots.ts'
import { topicsSection } from './topics.ts'

export interface Scenario {
  readonly counted: Counted
  readonly amounts: Amounts
  /** Per million events. */
  readonly usd: Partial<Record<PriceName, number>>
}

/** Of a million: what a message costs on its way, apart from writing it down and carrying it out. */
const aside: readonly PriceName[] = ['logGigabyte', 'transferGigabyte']

/** `docs/cost.md`, whole. */
export function costPage(scenarios: readonly Scenario[], facts: Facts): string {
  const online = find(scenarios, ONLINE)
  const connect = find(scenarios, 'connect, nothing pending')
  return `${[
    head,
    summary(scenarios, online),
    breakdown(online),
    batches(online, facts),
    receipts(scenarios, facts),
    events(scenarios, facts),
    topics(scenarios, facts),
    slotsSection(),
    channelsSection(),
    canarySection(),
    calls(scenarios),
    months(connect),
    assumptions(facts),
    priceTable(),
    notSaid,
  ].join('\n\n')}\n`
}

const head = `<!-- Written by \`npm run bench -- cost\` from a counted run; change bench/cost, not this page. -->
# What a notification costs

List prices of us-east-1, ${PRICES_AS_OF}, first tier, no free tier, no discount. The calls are **counted** on
the embedded cloud, which runs the synthesized stacks and the functions' own bundles; every AWS call passes its
endpoint. The time that calls take on AWS cannot be measured there, so it is assumed (see below). The price of a
direct message is assumed, too: AWS publishes none that we could find, so we count it as one metered message.
Payloads are ${PAYLOAD_BYTES} bytes. The devices acknowledge after ${assumed.directMessageMs} ms, like devices on a mobile network, because the time that a batch
takes determines how many messages wait for the next one.`

function summary(scenarios: readonly Scenario[], online: Scenario): string {
  const rows = scenarios.map(({ counted, usd }) => [
    counted.scenario,
    money(total(usd)),
    money(withoutAside(usd)),
  ])
  const others = peers.map(({ name, usd, lacks }) => [`*${name}*`, money(usd), `(${lacks})`])
  const goal = withoutAside(online.usd)
  return `## Dollars per million

${table(['event', 'all', 'without logs and data transfer'], rows)}

The goal was at most $3.20 per million online notifications, priced without logs and transfer like the services
it is compared with: ${goal <= 3.2 ? 'met' : 'not met'} with ${money(goal)}. The services:

${table(['service', 'USD per million', 'what it is, or lacks'], others)}`
}

function breakdown({ amounts, usd }: Scenario): string {
  const names = Object.keys(usd) as PriceName[]
  const rows = names
    .sort((a, b) => (usd[b] ?? 0) - (usd[a] ?? 0))
    .map((name) => [
      prices[name].unit,
      amount(amounts[name] ?? 0),
      money(usd[name] ?? 0),
      percent((usd[name] ?? 0) / total(usd)),
    ])
  return `## One online notification

${table(['what', 'units each', 'USD per million', 'share'], rows)}`
}

/** Everything that comes once with a batch, for other batch sizes than the one that was counted. */
function batches({ counted, amounts, usd }: Scenario, facts: Facts): string {
  const counts = (counted.invocations.deliver ?? 0) / counted.events
  const sizes = [1, 2, 5, 10]
  const rows = sizes.map((size) => [
    String(size),
    amount(2 / size),
    money(withoutAside(usd) + changeAt(size, counts, facts)),
  ])
  return `## The size of deliver's batches

Lambda receives up to ten messages at once and does not wait for more (batch window 0): a window of a second or more
would fill batches, but it would be the largest part of the time to the device. So the size follows the load: one message while
notifications trickle in (a million then takes months), and up to ten under sustained load. Counted here:
${amount(1 / counts)} (${amount(amounts.sqs ?? 0)} queue requests in all).

${table(['messages in a batch', 'receive and delete requests each', 'USD per million, without logs and transfer'], rows)}`
}

/** Dollars per million that batches of another size make, where so many were counted for each notification. */
function changeAt(size: number, counts: number, facts: Facts): number {
  const wait = size === 1 ? assumed.directMessageMs : assumed.slowestOfBatchMs
  const had = counts === 1 ? assumed.directMessageMs : assumed.slowestOfBatchMs
  const gigabytes = facts.deliver.memoryMegabytes / 1024
  return (
    dollars('sqs', 2e6 * (1 / size - counts)) +
    dollars('lambdaRequest', 1e6 * (1 / size - counts)) +
    dollars('lambdaGigabyteSecond', 1e3 * gigabytes * (wait / size - had * counts))
  )
}

/** A setting's levels beside `off`, and where the name of a scenario says which. */
interface Levels {
  readonly setting: 'receipts' | 'events'
  readonly levels: readonly string[]
}

/** A scenario at a level of a setting. */
function atLevel(
  scenarios: readonly Scenario[],
  kind: string,
  setting: Levels['setting'],
  level: string,
): Scenario {
  return find(scenarios, level === 'off' ? kind : `${kind}, ${setting} ${level}`)
}

/** What each level costs in every scenario that was counted with it, all included. */
function byLevel(scenarios: readonly Scenario[], { setting, levels }: Levels): string {
  const names = [...new Set(scenarios.map(({ counted }) => counted.scenario))]
  const kinds = names.filter((name) => names.includes(`${name}, ${setting} all`))
  const rows = kinds.map((kind) => [
    kind,
    ...levels.map((level) => money(total(atLevel(scenarios, kind, setting, level).usd))),
  ])
  return table(['event, logs and transfer included', ...levels], rows)
}

/** What an online notification costs at each level where all of deliver's batches are full. */
function inFullBatches(
  scenarios: readonly Scenario[],
  { setting, levels }: Levels,
  facts: Facts,
): readonly string[] {
  return levels.map((level) =>
    money(fullBatches(atLevel(scenarios, ONLINE, setting, level), facts)),
  )
}

function fullBatches({ usd, counted }: Scenario, facts: Facts): number {
  return total(usd) + changeAt(10, (counted.invocations.deliver ?? 0) / counted.events, facts)
}

/** What receipts add. */
function receipts(scenarios: readonly Scenario[], facts: Facts): string {
  const levels: Levels = { setting: 'receipts', levels: ['off', 'exceptions', 'all'] }
  const all = atLevel(scenarios, ONLINE, 'receipts', 'all')
  const [off, kept] = [total(find(scenarios, ONLINE).usd), total(all.usd)]
  const full = inFullBatches(scenarios, levels, facts)
  const { counted } = all
  return `## With receipts

${byLevel(scenarios, levels)}

The goals were at most $3.20 without receipts and $3.66 with all of them: ${off <= 3.2 ? 'met' : 'not met'} with ${money(off)},
and ${kept <= 3.66 ? 'met' : 'not met'} with ${money(kept)}. A receipt of an online notification took ${amount(counted.writeUnits / counted.events)} write units here, where outcomes waited one
second for others; the fewer notifications a second, the fewer share a row, up to one unit each ($${prices.dynamoWrite.usd} per million at
one notification a second). An \`apns-id\` chosen by the provider takes another unit.

On a busy machine, batches are small and differ between these runs. With full batches of ten, an online
notification costs ${full[0]} without receipts, ${full[1]} with exceptions and ${full[2]} with all.`
}

/** What events add, before anybody subscribes. */
function events(scenarios: readonly Scenario[], facts: Facts): string {
  const levels: Levels = { setting: 'events', levels: ['off', 'tokens', 'all'] }
  const full = inFullBatches(scenarios, levels, facts)
  const [online, offline] = [ONLINE, OFFLINE].map((kind) =>
    announced(atLevel(scenarios, kind, 'events', 'all').counted),
  )
  return `## With events

${byLevel(scenarios, levels)}

With \`all\`, deliver sends the events of a batch to a queue in one message, and the function \`announce\` publishes them by ten.
For each online notification that was ${online}; for each one
to a device that is offline, ${offline}. Under a light load each notification
has a message, an invocation and a publish to itself: ${money(ALONE)} per million.

\`tokens\` costs as much for each token that dies and nothing for a notification. \`exceptions\` costs as much as \`all\` for a notification
that is not delivered at once, and nothing for any other. While events are off, the queue is not polled; with any other level,
polling it costs about ${money(idleMonth())} a month. SNS delivers to queues and functions for free, apart from what these cost themselves; a
webhook costs $0.60 per million deliveries.

The small differences between \`off\` and \`tokens\` are those of batches. With full batches of ten, an online notification costs ${full[0]} with
events off, ${full[1]} with \`tokens\` and ${full[2]} with \`all\`.`
}

/** An event that nothing shares a message with: sent, received, deleted, one invocation, published; dollars per million. */
const ALONE = dollars('sqs', 3e6) + dollars('lambdaRequest', 1e6) + dollars('sns', 1e6)

/** What carries a notification's events, in words. */
function announced({ calls: counted, invocations, events: count }: Counted): string {
  const each = (name: string) => amount((counted[name] ?? 0) / count)
  const runs = amount((invocations.announce ?? 0) / count)
  return `${each('deliver sqs SendEvents')} messages, ${runs} invocations and ${each('announce sns PublishBatch')} publishes`
}

/** What is counted, beside the prices that do not depend on notifications. */
function topics(scenarios: readonly Scenario[], facts: Facts): string {
  const kinds = [ONLINE, OFFLINE]
  const rows = kinds.map((kind) => [
    kind,
    ...[kind, `${kind}, ${COUNTED}`].map((name) => money(total(find(scenarios, name).usd))),
  ])
  const [without, counted] = [ONLINE, `${ONLINE}, ${COUNTED}`].map((name) =>
    money(fullBatches(find(scenarios, name), facts)),
  )
  return `${topicsSection()}

${table(['event, logs and transfer included', 'topic not counted', 'topic counted'], rows)}

The metrics are paid by the month and are not in these figures: a notification that is counted only makes more log bytes. With full
batches of ten, an online one costs ${without} if its topic is not counted and ${counted} if it is.`
}

function calls(scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ counted }) => [
    counted.scenario,
    amountIn(counted, 'SendMessage'),
    amountIn(counted, 'SendDirectMessage'),
    amount(counted.readUnits / counted.events),
    amount(counted.writeUnits / counted.events),
    amount(sumOf(counted.invocations) / counted.events),
    String(Math.round(counted.logBytes / counted.events)),
  ])
  const columns = [
    'event',
    'queue sends',
    'direct messages',
    'read units',
    'write units',
    'invocations',
  ]
  return `## Counted, for each event

${table([...columns, 'log bytes'], rows)}

A slot takes two write units if payload and envelope together exceed 1 kB, as they do here, and otherwise one.
Reads depend on how often a device gets notifications: accept caches a registration for a minute, so a device
that gets fewer than one a minute costs one read each ($${prices.dynamoRead.usd} per million).`
}

function months({ usd }: Scenario): string {
  const connect = total(usd)
  const rows = [30, 60, 300].map((connects) => [
    String(connects),
    `$${deviceMonth(connect, connects).toFixed(5)}`,
    `$${(deviceMonth(connect, connects) * 100_000).toFixed(0)}`,
  ])
  return `## A device for a month

Always online: ${money(dollars('iotMinute', 43_800 * 1e6))} per million devices for the connection, and ${money(connect)} per million
connects (CONNECT, the device's message, the rule, the function with its reads, the answer).

${table(['connects in a month', 'USD per device', 'USD per 100,000 devices'], rows)}

Without any notifications, polling the queue costs about ${money(idleMonth())} a month.`
}

function assumptions({ accept, deliver, bytesOut }: Facts): string {
  const rows = Object.entries(assumed).map(([name, ms]) => [words(name), String(ms)])
  return `## Assumed

${table(['how long a call takes on AWS', 'ms'], rows)}

Measured (\`npm run bench -- hot\`): ${accept.cpuMs.toFixed(2)} ms of processor time in accept and
${deliver.cpuMs.toFixed(2)} ms in deliver for one notification. The functions have ${accept.memoryMegabytes} and ${deliver.memoryMegabytes} MB, and
so the same share of a core as of 1,769 MB. A delivered notification sends ${bytesOut} bytes out to the internet.
Cold starts are not included: under a steady load fewer than one in a thousand invocations is one.`
}

function priceTable(): string {
  const rows = Object.values(prices).map(({ usd, per, unit, source }: Price) => [
    unit,
    per === 1 ? `$${usd}` : `$${usd.toFixed(3)} per million`,
    source,
  ])
  return `## Prices

${table(['unit', 'USD', 'source'], rows)}`
}

const notSaid = `## What is left out

The tables' storage and point-in-time recovery, the KMS keys ($1 per key and month), alarms, the provider
domain's DNS and the calls of an operator's commands are not included: none of them grows with notifications. AWS does not
document whether it meters a direct message to a device that is not connected, or the PUBACK of one that is; each is counted as
a whole message or not at all, as the table of counted calls shows.`

function find(scenarios: readonly Scenario[], name: string): Scenario {
  const found = scenarios.find(({ counted }) => counted.scenario === name)
  if (!found) throw new Error(`no scenario is called ${name}`)
  return found
}

/** Dollars without log ingestion and data transfer, which comparisons of services leave out. */
export function withoutAside(usd: Scenario['usd']): number {
  return total(usd) - aside.reduce((sum, name) => sum + (usd[name] ?? 0), 0)
}

function amountIn({ calls: counted, events }: Counted, action: string): string {
  const matching = Object.entries(counted).filter(([name]) => name.endsWith(action))
  return amount(sumOf(Object.fromEntries(matching)) / events)
}

function sumOf(record: Readonly<Record<string, number>>): number {
  return Object.values(record).reduce((sum, count) => sum + count, 0)
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n')
}

/** `directMessageMs` as words. */
function words(name: string): string {
  return name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

const money = (usd: number) => `$${usd.toFixed(2)}`
const percent = (share: number) => `${Math.round(share * 100)}%`

/** Two digits where they say something. */
function amount(value: number): string {
  if (value === 0) return '0'
  return value < 0.005 ? value.toExponential(1) : String(Number(value.toFixed(2)))
}
