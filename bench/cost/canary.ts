import { type Amounts, dollars, type PriceName } from './prices.ts'

/** One a minute, of a month of thirty days. */
const RUNS = 30 * 24 * 60

/** Assumed: two TLS handshakes, a registration and a notification, within a region. */
const RUN_SECONDS = 1

/**
 * A run, as it was counted on the embedded cloud: five invocations, three messages to the device, two from it. The
 * canary's own item is about 13 kB on AWS, where it also holds Amazon's root certificates.
 */
const run: Amounts = {
  httpApi: 1,
  lambdaRequest: 5,
  // the canary has 256 MB; the four others together take about a third of that
  lambdaGigabyteSecond: 0.25 * RUN_SECONDS + 0.09,
  sqs: 3,
  directMessage: 3,
  // CONNECT; what the device says goes to rules, without a message's charge
  iotMessage: 1,
  iotMinute: 1,
  ruleTriggered: 2,
  ruleAction: 2,
  dynamoRead: 13,
  dynamoWrite: 1,
  logGigabyte: 1_300 / 1e9,
}

/** A month, whatever it does. */
const standing = { metrics: dollars('metricMonth', 2), alarms: 2 * 0.1, key: 1 }

/** Seconds that a run takes which nothing answers (`canaryLimits`), the first two steps aside. */
const SILENT_SECONDS = 20

/** The section of `docs/cost.md` about the canary. */
export function canarySection(): string {
  const names = Object.keys(run) as PriceName[]
  const runs = names.reduce((sum, name) => sum + dollars(name, RUNS * (run[name] ?? 0)), 0)
  const { metrics, alarms, key } = standing
  const silent = dollars('lambdaGigabyteSecond', RUNS * 0.25 * SILENT_SECONDS)
  const usd = (amount: number) => `$${amount.toFixed(2)}`
  return `## The canary

A stage with \`-c canary=true\` sends to a device of its own every minute: ${RUNS.toLocaleString('en-US')} runs a month, ${usd(runs)} with five invocations,
three direct messages and a request each. Two metrics (${usd(metrics)}), two alarms (${usd(alarms)}) and the key that seals its identity (${usd(key)}) come on
top: ${usd(runs + metrics + alarms + key)} a month. A run that waits in vain costs more: a month in which nothing arrives adds ${usd(silent)}. Its
notifications are in no figure of yours, and cost nothing in receipts and events unless you turn these on for its topic.`
}
