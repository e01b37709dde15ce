import type { Announcement } from '@heliograph/protocol/messages'
import { announcedOutcomes } from '@heliograph/protocol/outcome'
import { type Command, Option } from 'commander'
import { type EventWishes, listenToEvents } from '../operations/listen-to-events.ts'
import { timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'
import { parseWhole } from '../values.ts'

interface ListenOptions {
  readonly topic?: readonly string[]
  readonly outcome?: readonly string[]
  readonly count?: string
}

export function addEventCommands(program: Command, run: Runner): void {
  const events = program
    .command('events')
    .description('what becomes of notifications, as it happens')
  events
    .command('listen')
    .description('print events as subscribers of the stage get them')
    .option('--topic <topic...>', 'only of these')
    .addOption(
      new Option('--outcome <outcome...>', 'only these').choices([
        ...announcedOutcomes,
        'dead-token',
      ]),
    )
    .option('--count <n>', 'end after this many events')
    .addHelpText('after', listenHelp)
    .action((options: ListenOptions, command: Command) =>
      run(command, (session) => listen(session, options)),
    )
}

const listenHelp = `
On AWS a queue is subscribed for the time of listening, and removed again at the end, also
after Ctrl-C. What is heard, the stage decides (-c events=tokens|exceptions|all).

Examples:
  heliograph events listen
  heliograph events listen --outcome dead-token --json
  heliograph --target aws --stage prod events listen --topic com.example.app --count 10`

async function listen(session: Session, options: ListenOptions): Promise<undefined> {
  const { terminal, json } = session
  const { count, topic, outcome } = options
  let left =
    count === undefined ? Number.POSITIVE_INFINITY : parseWhole('--count', count, 1, 1_000_000)
  const enough = new AbortController()
  const wishes: EventWishes = {
    ...(topic && { topics: topic }),
    ...(outcome && { outcomes: outcome }),
  }
  await listenToEvents(await session.deployment(), wishes, {
    ready: () => terminal.note('listening; Ctrl-C ends it'),
    missed: (some) => terminal.note(`${some} events were not read in time, and are lost`),
    hear: (event) => {
      if (left <= 0) return
      terminal.print(json ? JSON.stringify(event) : lineOf(event))
      left -= 1
      if (left <= 0) enough.abort()
    },
    stop: AbortSignal.any([terminal.stop, enough.signal]),
  })
  return undefined
}

function lineOf(event: Announcement): string {
  const { at, topic, outcome, reason } = event
  const about = event.type === 'token' ? event.token : `${event.id}  after ${event.age} ms`
  const why = reason ? ` (${reason})` : ''
  return `${timeText(at)}  ${topic}  ${outcome}${why}  ${about}`
}
