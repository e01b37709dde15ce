import { type Amounts, dollars, type PriceName } from './prices.ts'

/** Bytes that a device is sent for one broadcast of 1 kB, as for a notification (docs/cost.md, "Assumed"). */
const BYTES_OUT = 1_650

/** Assumed: three reads, a write and a call of IoT Core, one after the other, in a function of 512 MB. */
const PUBLISH_SECONDS = 0.04

/** One publish to a channel that stores it: the function's call, before anybody hears it. */
const publish: Amounts = {
  httpApi: 1,
  lambdaRequest: 1,
  lambdaGigabyteSecond: 0.5 * PUBLISH_SECONDS,
  // the channel, and once more after it was stored; credentials are cached
  dynamoRead: 2,
  // that it is the latest one
  dynamoWrite: 1,
  // the body of the call to IoT Core
  iotMessage: 1,
  logGigabyte: 400 / 1e9,
}

/** For each device that hears it: PUBLISH to it, and its PUBACK. */
const heard: Amounts = { iotMessage: 2, transferGigabyte: BYTES_OUT / 1e9 }

/** A creation or a deletion: the channel's row, and the row that counts its topic's. */
const change: Amounts = {
  httpApi: 1,
  lambdaRequest: 1,
  lambdaGigabyteSecond: 0.5 * PUBLISH_SECONDS,
  dynamoWrite: 2,
  logGigabyte: 300 / 1e9,
}

const audiences = [1_000, 10_000, 100_000, 1_000_000] as const

function usd(amounts: Amounts, times = 1): number {
  const names = Object.keys(amounts) as PriceName[]
  return names.reduce((sum, name) => sum + dollars(name, times * (amounts[name] ?? 0)), 0)
}

const money = (amount: number) => `$${amount < 0.1 ? amount.toFixed(4) : amount.toFixed(2)}`

/** The section of `docs/cost.md` about channels. */
export function channelsSection(): string {
  const million = 1e6
  const rows = audiences.map((count) => {
    const whole = usd(publish) + usd(heard, count)
    return `| ${count.toLocaleString('en-US')} | ${money(whole)} | ${money(whole + 9 * usd(heard, count) + 9 * usd(publish))} |`
  })
  return `## Channels

A broadcast is computed here, not counted: the publish itself, ${money(usd(publish, million))} per million, and for each device that hears it two messages
of IoT Core (the message and its acknowledgement) and ${BYTES_OUT} bytes, ${money(usd(heard, million))} per million. A message of more than 5 kB, which is
a payload of more than about 4.7 kB, counts twice.

| devices that have joined | USD per broadcast | USD per ten broadcasts |
| --- | --- | --- |
${rows.join('\n')}

To compare: a million notifications in requests of 500 cost less, and have slots, receipts and feedback. A channel saves the
provider from knowing who hears it, and the service from sending a million times. A device pays one message for every 8 channels
that it has joined, with every connect (SUBSCRIBE, ${money(dollars('iotMessage', million))} per million), and two for each stored broadcast that it gets then. Creating or deleting
a channel costs ${money(usd(change, million))} per million. We found no separate price for what IoT Core stores.`
}
