import type { Receipt, ReceiptEvent } from '@heliograph/core/receipts/receipt'
import type { OutcomeKind } from '@heliograph/protocol/outcome'
import type { Command } from 'commander'
import { showNotification } from '../operations/show-notification.ts'
import { ageText, fields, type Report, table, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'

export function addNotificationCommands(program: Command, run: Runner): void {
  const notification = program.command('notification').description('single notifications')
  notification
    .command('show')
    .description('what became of a notification')
    .argument('<id>', 'its apns-id or apns-unique-id')
    .addHelpText('after', showHelp)
    .action((id: string, _options: object, command: Command) =>
      run(command, (session) => show(session, id)),
    )
}

const showHelp = `
Works for the topics and days for which the stage keeps receipts. Events are shown
a few seconds after they happen.

Examples:
  heliograph notification show 73CC3989-A2D3-45F9-9A8F-77A6FF390310
  heliograph notification show 73cc3989-… --json | jq -r '.[0].state'`

async function show(session: Session, id: string): Promise<Report> {
  const receipts = await showNotification(await session.deployment(), id)
  return { value: receipts, text: receipts.map(textOf).join('\n\n') }
}

function textOf(receipt: Receipt): string {
  const { id, uniqueId, topic, deviceId, pushType, priority, state, events, incomplete } = receipt
  const head = fields({
    'apns-id': id,
    'apns-unique-id': uniqueId,
    topic,
    device: deviceId,
    sent: `${pushType}, priority ${priority}`,
    state: words[state],
    ...(incomplete && { note: 'an event is missing: a function ended before it was recorded' }),
  })
  return `${head}\n\n${table(['TIME', 'AFTER', 'EVENT'], events.map(rowOf))}`
}

function rowOf(event: ReceiptEvent) {
  const { kind, at, age, repeat, replacedBy } = event
  const by = replacedBy ? ` (${replacedBy})` : ''
  return [timeText(at), ageText(age), `${words[kind]}${by}${repeat ? ', a repeat' : ''}`]
}

const words: Readonly<Record<OutcomeKind, string>> = {
  accepted: 'accepted',
  stored: 'stored: the device was not there',
  delivered: 'delivered',
  drained: 'delivered from its slot',
  coalesced: 'replaced by a newer one',
  expired: 'expired',
  unregistered: 'dropped: the token had died',
  undeliverable: 'undeliverable: the device may not receive',
  duplicate: 'dropped: the same apns-id had come before',
  'dead-lettered': 'given up after eight attempts (heliograph dlq list notifications)',
}
