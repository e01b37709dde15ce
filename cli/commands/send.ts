import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { readText } from '../files.ts'
import { type SendOrder, type SendResult, sendNotification } from '../operations/send.ts'
import { fields, type Report, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'
import { addIdentityOptions, asProvider, type IdentityOptions } from './identity.ts'

interface SendOptions extends IdentityOptions {
  readonly token: string
  readonly topic?: string
  readonly alert?: string
  readonly payload?: string
  readonly pushType?: string
  readonly priority?: string
  readonly expiration?: string
  readonly collapseId?: string
  readonly id?: string
}

export function addSendCommand(program: Command, run: Runner): void {
  const send = program
    .command('send')
    .description('send a notification through the provider edge')
    .requiredOption('--token <hex>', 'device token')
    .option('--topic <topic>', 'apns-topic (embedded: that of the demo app)')
    .option('--alert <text>', 'short for a payload with just this alert')
    .option('--payload <json>', 'JSON text, a file that holds it, or - for standard input')
    .option('--push-type <type>', 'apns-push-type')
    .option('--priority <n>', 'apns-priority: 10, 5 or 1')
    .option('--expiration <seconds>', 'apns-expiration: UNIX seconds, or 0')
    .option('--collapse-id <text>', 'apns-collapse-id')
    .option('--id <uuid>', 'apns-id')
  addIdentityOptions(send)
    .addHelpText('after', sendHelp)
    .action((options: SendOptions, command: Command) =>
      run(command, (session) => sendOne(session, options)),
    )
}

const sendHelp = `
Exit code 4 where the service refuses the notification.

Examples:
  heliograph send --token 5f3a… --alert "Hello"
  heliograph send --token 5f3a… --topic com.example.app --payload payload.json \\
      --p12 certs/app.p12 --passphrase-file certs/app.passphrase
  echo '{"aps":{"content-available":1}}' | heliograph send --token 5f3a… --payload - \\
      --push-type background --priority 5 --cert certs/app.pem --key certs/app.key`

async function sendOne(session: Session, options: SendOptions): Promise<Report> {
  const order = await orderOf(session, options)
  const result = await asProvider(session, options, (edge) => sendNotification(edge, order))
  const report = { value: result, text: resultText(result) }
  return result.status === 200 ? report : { ...report, exit: 'refused' }
}

async function orderOf(session: Session, options: SendOptions): Promise<SendOrder> {
  const { token, pushType, priority, expiration, collapseId, id } = options
  const payload = await payloadOf(session, options)
  const topic = options.topic ?? (await demoTopic(session, options))
  const given = { topic, pushType, priority, expiration, collapseId, id }
  const known = Object.entries(given).filter(([, value]) => value !== undefined)
  return { token, payload, ...Object.fromEntries(known) }
}

async function demoTopic(session: Session, { cert, p12, url }: SendOptions) {
  const isDemo = cert === undefined && p12 === undefined && url === undefined
  if (!isDemo || session.target.target !== 'embedded') return undefined
  return (await session.entrances()).demo?.topic
}

async function payloadOf(session: Session, { alert, payload }: SendOptions): Promise<string> {
  if (alert !== undefined && payload !== undefined)
    throw new Failure('usage', 'give either --alert or --payload')
  if (payload === undefined)
    return JSON.stringify({ aps: { alert: alert ?? 'Hello from Heliograph' } })
  if (payload === '-') return session.terminal.readInput()
  return /^\s*[{[]/.test(payload) ? payload : readText(payload, 'payload')
}

function resultText(result: SendResult): string {
  const { status, reason, detail, id, uniqueId, timestamp, tookMs } = result
  return fields({
    answer: status === 200 ? '200, accepted' : `${status} ${reason ?? ''}`,
    why: detail,
    'dead since': timestamp === undefined ? undefined : timeText(timestamp),
    'apns-id': id,
    'apns-unique-id': uniqueId,
    took: `${tookMs} ms`,
  })
}
