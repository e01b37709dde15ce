import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { type Explanation, explainAnswer } from '../operations/explain.ts'
import { type SendOrder, type SendResult, sendNotification } from '../operations/send.ts'
import { fields, type Report, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'
import { addIdentityOptions, asProvider, demoTopic } from './identity.ts'
import { payloadOf } from './payload.ts'
import { type ManyOptions, sendToMany } from './send-many.ts'

interface SendOptions extends Omit<ManyOptions, 'tokensFile'> {
  readonly token?: string
  readonly tokensFile?: string
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
    .option('--token <hex>', 'device token')
    .option(
      '--tokens-file <file>',
      'many: a file with one device token per line, or - for standard input',
    )
    .option('--topic <topic>', 'apns-topic (embedded: that of the demo app)')
    .option('--alert <text>', 'short for a payload with just this alert')
    .option('--payload <json>', 'JSON text, a file that contains it, or - for standard input')
    .option('--push-type <type>', 'apns-push-type')
    .option('--priority <n>', 'apns-priority: 10, 5 or 1')
    .option('--expiration <seconds>', 'apns-expiration: UNIX seconds, or 0')
    .option('--collapse-id <text>', 'apns-collapse-id')
    .option('--id <uuid>', 'apns-id')
    .option('--dead-tokens <file>', 'many: where the dead and bad tokens are listed')
    .option('--resume <file>', 'many: journal of the campaign (default: <tokens file>.progress)')
    .option('--in-flight <n>', 'many: requests at the same time', '4')
    .option('--per-request <n>', 'many: tokens per request', '1000')
    .option('--skip-bad-lines', 'many: skip lines that are not device tokens')
    .option('--again', 'many: repeat what may have been accepted more than 8 minutes ago')
  addIdentityOptions(send)
    .addHelpText('after', sendHelp)
    .action((options: SendOptions, command: Command) =>
      run(command, (session) => sendTo(session, options)),
    )
}

const sendHelp = `
Exit code 4 if the service refuses the notification, or some of many.

Many devices: up to 1,000 tokens per request. However the command ends, running it
again continues where it ended, and no device gets the notification twice.

Examples:
  heliograph send --token 5f3a… --alert "Hello"
  heliograph send --token 5f3a… --topic com.example.app --payload payload.json \\
      --p12 certs/app.p12 --passphrase-file certs/app.passphrase
  echo '{"aps":{"content-available":1}}' | heliograph send --token 5f3a… --payload - \\
      --push-type background --priority 5 --cert certs/app.pem --key certs/app.key
  heliograph send --token 5f3a… --topic com.example.app --key AuthKey_ABC123DEFG.p8 --team-id ABCDE12345
  heliograph send --tokens-file tokens.txt --alert "Hello" --dead-tokens dead.jsonl`

async function sendTo(session: Session, options: SendOptions): Promise<Report> {
  const { token, tokensFile } = options
  if ((token === undefined) === (tokensFile === undefined))
    throw new Failure('usage', 'say to whom to send: either --token HEX or --tokens-file FILE')
  const order = () => orderOf(session, options)
  return tokensFile === undefined
    ? sendOne(session, options, { ...(await order()), token: token ?? '' })
    : sendToMany(session, { ...options, tokensFile }, order)
}

async function sendOne(session: Session, options: SendOptions, order: SendOrder): Promise<Report> {
  const result = await asProvider(session, options, (edge) => sendNotification(edge, order))
  const explanation = explainAnswer(result.status, result.reason)
  const report = { value: { ...result, explanation }, text: resultText(result, explanation) }
  return result.status === 200 ? report : { ...report, exit: 'refused' }
}

async function orderOf(session: Session, options: SendOptions): Promise<Omit<SendOrder, 'token'>> {
  const { pushType, priority, expiration, collapseId, id } = options
  const payload = await payloadOf(session, options)
  const topic = options.topic ?? (await demoTopic(session, options))
  const given = { topic, pushType, priority, expiration, collapseId, id }
  const known = Object.entries(given).filter(([, value]) => value !== undefined)
  return { payload, ...Object.fromEntries(known) }
}

export function resultText(result: SendResult, { meaning, advice }: Explanation): string {
  const { status, reason, detail, id, uniqueId, timestamp, tookMs } = result
  return fields({
    answer: status === 200 ? '200, accepted' : `${status} ${reason ?? ''}`,
    why: detail,
    'dead since': timestamp === undefined ? undefined : timeText(timestamp),
    'apns-id': id,
    'apns-unique-id': uniqueId,
    took: `${tookMs} ms`,
    ...(status === 200 ? {} : { 'what it means': meaning, 'what to do': advice }),
  })
}
