import { Argument, type Command } from 'commander'
import type { Deployment } from '../deployment.ts'
import {
  type DeadLetterQueueName,
  deadLetterNotes,
  deadLetterQueueNames,
} from '../operations/dead-letter-queues.ts'
import type { QueueWork } from '../operations/dead-letters.ts'
import { progressOf } from '../progress.ts'
import { count, type Report, table, timeText } from '../report.ts'
import { demandYes, type Runner, type Session } from '../session.ts'
import { parseWhole } from '../values.ts'

export function addDeadLetterCommands(program: Command, run: Runner): void {
  const letters = program
    .command('dlq')
    .description('dead-letter queues: notifications, events, outcomes and rules')
  addList(letters, run)
  addRedrive(letters, run)
  addDrop(letters, run)
}

const queueArgument = (flags: string) =>
  new Argument(flags, 'which queue').choices(deadLetterQueueNames)

function addList(letters: Command, run: Runner): void {
  letters
    .command('list')
    .description('how many messages are in each queue, or what they are about')
    .addArgument(queueArgument('[queue]'))
    .option('--limit <n>', 'messages to show', '20')
    .addHelpText(
      'after',
      '\nExamples:\n  heliograph dlq list\n  heliograph dlq list notifications --limit 100',
    )
    .action(
      (queue: DeadLetterQueueName | undefined, options: { limit: string }, command: Command) =>
        run(command, (session) => (queue ? peek(session, queue, options.limit) : depths(session))),
    )
}

/** Loaded when it is used: it brings parts of the AWS SDK. */
const operations = () => import('../operations/dead-letters.ts')

async function depths(session: Session): Promise<Report> {
  const { deadLetterDepths } = await operations()
  const value = await deadLetterDepths(await session.deployment())
  const rows = value.map(({ queue, waiting }) => [queue, waiting])
  const filled = value.filter(({ waiting }) => waiting > 0)
  const notes = filled.map(({ queue }) => `${queue}: ${deadLetterNotes[queue].advice}`)
  return { value, text: [table(['QUEUE', 'MESSAGES'], rows), ...notes].join('\n\n') }
}

async function peek(session: Session, queue: DeadLetterQueueName, limit: string): Promise<Report> {
  const most = parseWhole('--limit', limit, 1, 1_000)
  const { peekDeadLetters } = await operations()
  const value = await peekDeadLetters(await session.deployment(), queue, most)
  const rows = value.map(({ messageId, sentAt, about }) => [messageId, timeText(sentAt), about])
  const text = table(['MESSAGE', 'SINCE', 'ABOUT'], rows)
  return { value, text: rows.length > 0 ? text : `${queue} is empty` }
}

function addRedrive(letters: Command, run: Runner): void {
  letters
    .command('redrive')
    .description('process every message of a queue again')
    .addArgument(queueArgument('<queue>'))
    .addHelpText(
      'after',
      '\nExamples:\n  heliograph dlq redrive notifications\n  heliograph dlq redrive events',
    )
    .action((queue: DeadLetterQueueName, _options: object, command: Command) =>
      run(command, (session) => redrive(session, queue)),
    )
}

async function redrive(session: Session, queue: DeadLetterQueueName): Promise<Report> {
  const { redriveDeadLetters } = await operations()
  const deployment = await session.deployment()
  const value = await watched(session, deployment, queue, (work) =>
    redriveDeadLetters(deployment, queue, work),
  )
  const left = value.left > 0 ? `; ${count(value.left, 'message')} cannot be, and stay` : ''
  const report = { value, text: `${count(value.redriven, 'message')} handed over${left}` }
  return session.terminal.stop.aborted ? { ...report, exit: 'interrupted' } : report
}

/** Shows how far the work on a queue is, and ends it in order at Ctrl-C. */
async function watched<T>(
  session: Session,
  deployment: Deployment,
  queue: DeadLetterQueueName,
  work: (work: QueueWork) => Promise<T>,
): Promise<T> {
  const { deadLetterDepths } = await operations()
  const depths = await deadLetterDepths(deployment)
  const total = depths.find((one) => one.queue === queue)?.waiting ?? 0
  const progress = progressOf(session, { done: 0, total })
  let seen = 0
  try {
    return await work({
      stop: session.terminal.stop,
      progress(done, left) {
        progress.add(done + left - seen)
        seen = done + left
      },
    })
  } finally {
    progress.end()
  }
}

interface DropOptions {
  readonly message?: string
  readonly yes?: boolean
}

function addDrop(letters: Command, run: Runner): void {
  letters
    .command('drop')
    .description('remove messages of a queue permanently')
    .addArgument(queueArgument('<queue>'))
    .option('--message <id>', 'only this one')
    .option('--yes', 'do it')
    .addHelpText(
      'after',
      '\nExamples:\n  heliograph dlq drop rules --yes\n  heliograph dlq drop notifications --message 6f1c… --yes',
    )
    .action((queue: DeadLetterQueueName, options: DropOptions, command: Command) =>
      run(command, (session) => drop(session, queue, options)),
    )
}

async function drop(
  session: Session,
  queue: DeadLetterQueueName,
  { message, yes }: DropOptions,
): Promise<Report> {
  demandYes(yes, `messages of ${queue} will be gone, and this cannot be undone`)
  const { dropDeadLetters } = await operations()
  const deployment = await session.deployment()
  const dropped = await watched(session, deployment, queue, (work) =>
    dropDeadLetters(deployment, queue, message, work),
  )
  const report = { value: { dropped }, text: `${count(dropped, 'message')} dropped` }
  return session.terminal.stop.aborted ? { ...report, exit: 'interrupted' } : report
}
