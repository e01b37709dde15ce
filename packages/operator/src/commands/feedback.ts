import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Edge } from '../operations/edge.ts'
import { type FeedbackLine, readAllFeedback } from '../operations/read-feedback.ts'
import { type Report, table, timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'
import { addIdentityOptions, asProvider, type IdentityOptions } from './identity.ts'

interface FeedbackOptions extends IdentityOptions {
  readonly topic?: string
  readonly after?: string
  readonly follow?: boolean
}

export function addFeedbackCommand(program: Command, run: Runner): void {
  const feedback = program
    .command('feedback')
    .description('dead tokens and lost notifications of a topic, oldest first')
    .option('--topic <topic>', "default: the certificate's first topic")
    .option('--after <cursor>', 'continue where an earlier call ended')
    .option('--follow', 'keep reading until Ctrl-C, one line per entry')
  addIdentityOptions(feedback)
    .addHelpText('after', feedbackHelp)
    .action((options: FeedbackOptions, command: Command) =>
      run(command, (session) => read(session, options)),
    )
}

const feedbackHelp = `
Reading removes nothing; entries are kept for 30 days. --json also prints the cursor to
continue from; with --follow, it prints one JSON object per line.

Examples:
  heliograph feedback
  heliograph feedback --topic com.example.app --p12 certs/app.p12 --json
  heliograph feedback --follow --cert certs/app.pem --key certs/app.key`

async function read(session: Session, options: FeedbackOptions): Promise<Report | undefined> {
  const { topic, after, follow } = options
  if (follow) return followFeedback(session, options)
  const page = await asProvider(session, options, (edge) => readAllFeedback(edge, topic, after))
  const rows = page.feedback.map((line) => [timeText(line.timestamp), line.reason, about(line)])
  const text = table(['TIME', 'REASON', 'TOKEN OR NOTIFICATION'], rows)
  return { value: page, text: rows.length > 0 ? text : 'no feedback' }
}

const POLL_MS = 2_000

/** A connection per look: the edge may close a quiet one, and a lost one must not end the following. */
async function followFeedback(session: Session, options: FeedbackOptions): Promise<undefined> {
  const { topic } = options
  const { stop } = session.terminal
  let cursor = options.after
  const look = (edge: Edge) => readAllFeedback(edge, topic, cursor)
  while (!stop.aborted) {
    const page = await asProvider(session, options, look)
    for (const line of page.feedback) session.terminal.print(lineText(line, session.json))
    cursor = page.cursor
    await wait(POLL_MS, undefined, { signal: stop }).catch(() => {})
  }
  return undefined
}

function lineText(line: FeedbackLine, json: boolean): string {
  return json ? JSON.stringify(line) : `${timeText(line.timestamp)}  ${line.reason}  ${about(line)}`
}

function about({ token, id }: FeedbackLine): string {
  return token ?? id ?? '-'
}
