import type { Command } from 'commander'
import { expireToken } from '../operations/expire-token.ts'
import { inspectToken, type TokenView } from '../operations/inspect-token.ts'
import { fields, type Report, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'

export function addTokenCommands(program: Command, run: Runner): void {
  const token = program.command('token').description('device tokens')
  token
    .command('inspect')
    .description('which device and topic a token is for, and whether it works')
    .argument('<hex>', 'the token, 64 hex digits')
    .addHelpText('after', inspectHelp)
    .action((hex: string, _options: object, command: Command) =>
      run(command, (session) => inspect(session, hex)),
    )
  addExpire(token, run)
}

function addExpire(token: Command, run: Runner): void {
  token
    .command('expire')
    .description('end a token: providers get 410 ExpiredToken, pending notifications are dropped')
    .argument('<hex>', 'the token, 64 hex digits')
    .addHelpText('after', expireHelp)
    .action((hex: string, _options: object, command: Command) =>
      run(command, (session) => expire(session, hex)),
    )
}

const expireHelp = `
The device may register again. Until the next key rotation it gets the same token, so
rotate first if the token has leaked. It takes effect within seconds.

Examples:
  heliograph token expire 5f3a…64 digits…
  heliograph key rotate && heliograph token expire 5f3a…`

async function expire(session: Session, hex: string): Promise<Report> {
  const ended = await expireToken(await session.deployment(), hex)
  return { value: ended, text: `ended the token of ${ended.deviceId} for ${ended.topic}` }
}

const inspectHelp = `
Tokens under retired keys can be inspected, too. Exit code 3 if the token is not from
this deployment.

Examples:
  heliograph token inspect 5f3a…64 digits…
  heliograph token inspect 5f3a… --json | jq -r .deviceId`

async function inspect(session: Session, hex: string): Promise<Report> {
  const view = await inspectToken(await session.deployment(), hex)
  if (view.opens) return { value: view, text: describe(view) }
  return { value: view, text: `not a token of this deployment: ${view.why}`, exit: 'notFound' }
}

function describe(view: Extract<TokenView, { opens: true }>): string {
  const since = view.since === undefined ? '' : ` since ${timeText(view.since)}`
  return fields({
    device: `${view.deviceId} (${view.device})`,
    topic: view.topic ?? `not known here (hash ${view.topicHash})`,
    key: `${view.key.id} (${view.key.state})`,
    registration: `${view.registration}${since}`,
    'a provider hears': view.answer,
  })
}
