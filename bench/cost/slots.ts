import { slotOf } from '@heliograph/aws/pending-notifications'
import type { Notification } from '@heliograph/core/notification'
import { MAX_RECEIVES } from '@heliograph/protocol/retry'
import { itemBytes } from './item-size.ts'
import { dollars } from './prices.ts'

/** How many wait for the device when the notification comes, itself included. */
const WAITING = [1, 5, 20, 100]
const PAYLOAD_BYTES = 1_000
const MOST = Math.max(...WAITING)

/** A notification as it waits in its slot; texts have the lengths that they have in a stage. */
const waiting = {
  ...{ id: 'x'.repeat(36), uniqueId: 'x'.repeat(36), idFromProvider: false },
  ...{ seq: 'x'.repeat(26), deviceId: 'x'.repeat(16), topic: 'com.example.app' },
  ...{ tokenFingerprint: 'x'.repeat(12), acceptedAt: 1_796_000_000_000, expiration: 1_796_000_000 },
  ...{ priority: 10, pushType: 'alert', collapseId: 'x'.repeat(16), perCollapseId: 100 },
  ...{ payload: 'x'.repeat(PAYLOAD_BYTES), seal: 'x'.repeat(22) },
} as unknown as Notification

const BYTES = itemBytes(slotOf(waiting))
const WRITES = Math.ceil(BYTES / 1_024)

/** A query is metered by the bytes of all that it gives, in units of 4 kB. */
const readsOf = (count: number) => Math.max(1, Math.ceil((count * BYTES) / 4_096))

/** The section of `docs/cost.md` about topics that keep more than their newest notification. */
export function slotsSection(): string {
  const usd = (amount: number) => `$${amount.toFixed(2)}`
  const read = (count: number) => dollars('dynamoRead', 1e6 * readsOf(count))
  const rows = WAITING.map((count) => [
    ...[String(count), String(readsOf(count)), usd(read(count))],
    usd(read(count) + dollars('dynamoWrite', 1e6 * WRITES)),
  ])
  const cells = [
    ['waiting', 'read units', 'USD per million stored', 'where one has to make room'],
    ['---', '---', '---', '---'],
    ...rows,
  ]
  return `## More than one slot

A topic that is not named in \`pending\` makes the same calls as ever and costs nothing more. Where a topic keeps the newest of each
collapse id, a notification for a device that is online costs nothing more either. One that is stored also reads what waits for the
device on that topic, and removes the oldest if there are too many (${WRITES} write units). Computed, for rows of ${BYTES} bytes (payloads of
${PAYLOAD_BYTES} bytes), on top of the price of a stored notification:

${cells.map((row) => `| ${row.join(' | ')} |`).join('\n')}

In return, all of these arrive: each is a direct message (${usd(dollars('directMessage', 1e6))} per million), a look at its slot and its registration
(${usd(dollars('dynamoRead', 2e6))}) and a removal (${usd(dollars('dynamoWrite', 1e6 * WRITES))}). A drain reads what waits once before and once after (1 read unit, if nothing is left), and takes one
message of the slot queue instead of one for each notification.

For a device that is connected but silent, each stored notification has a message of the slot queue, as without \`pending\`, and its
first attempt reads what waits as well: with ${MOST} waiting, ${usd(2 * read(MOST))} per million instead of ${usd(read(MOST))}. Only the message of the newest is tried again. So
the most is paid where notifications are so far apart that each uses all of its ${MAX_RECEIVES} attempts: ${usd((1 + MAX_RECEIVES) * read(MOST))} per million.`
}
