import type { KeyInRing } from '@heliograph/core/token/key-ring'
import type { Command } from 'commander'
import { listTokenKeys, retireTokenKey, rotateTokenKeys } from '../operations/token-keys.ts'
import { fields, type Report, table, timeText } from '../report.ts'
import { demandYes, type Runner, type Session } from '../session.ts'

export function addKeyCommands(program: Command, run: Runner): void {
  const key = program.command('key').description('token keys, which device tokens are made with')
  addList(key, run)
  addRotate(key, run)
  addRetire(key, run)
}

function addList(key: Command, run: Runner): void {
  key
    .command('list')
    .description('the ring, newest key first')
    .addHelpText('after', '\nExamples:\n  heliograph key list\n  heliograph key list --json')
    .action((_options: object, command: Command) => run(command, list))
}

async function list(session: Session): Promise<Report> {
  const ring = await listTokenKeys(await session.deployment())
  const value = ring.map(({ wrapped: _, ...key }) => key)
  const rows = value.map(rowOf)
  return { value, text: table(['KEY', 'STATE', 'CREATED', 'REPLACED', 'RETIRED'], rows) }
}

function rowOf(key: Omit<KeyInRing, 'wrapped'>): string[] {
  const { id, state, createdAt, replacedAt, retiredAt } = key
  return [id, state, timeText(createdAt), timeText(replacedAt), timeText(retiredAt)]
}

function addRotate(key: Command, run: Runner): void {
  key
    .command('rotate')
    .description('make a new primary key; tokens under old ones still work')
    .addHelpText('after', rotateHelp)
    .action((_options: object, command: Command) => run(command, rotate))
}

const rotateHelp = `
Tokens under the older keys keep working, and devices get new ones when they
next connect. Keys past their grace time (180 days) are retired.

Examples:
  heliograph key rotate
  heliograph --target aws --stage prod key rotate`

async function rotate(session: Session): Promise<Report> {
  const rotated = await rotateTokenKeys(await session.deployment())
  const text = fields({
    primary: rotated.created,
    retired: rotated.retired.length > 0 ? rotated.retired.join(', ') : 'none',
  })
  return { value: rotated, text }
}

function addRetire(key: Command, run: Runner): void {
  key
    .command('retire')
    .description('end a key at once: every token made with it is dead')
    .argument('<id>', 'key id, see key list')
    .option('--yes', 'do it')
    .addHelpText('after', retireHelp)
    .action((id: string, { yes }: { yes?: boolean }, command: Command) =>
      run(command, (session) => retire(session, id, yes)),
    )
}

const retireHelp = `
For a token key that has leaked. Run key rotate first. Providers then get
BadDeviceToken until the devices have connected and passed on their new tokens.

Examples:
  heliograph key rotate && heliograph key retire 01KABCDEFGHJKMNPQRSTVWXYZ0 --yes`

async function retire(session: Session, id: string, yes: boolean | undefined): Promise<Report> {
  demandYes(yes, `every token made with ${id} will be dead, and this cannot be undone`)
  const retired = await retireTokenKey(await session.deployment(), id)
  const text = `${retired} is retired: its tokens are dead everywhere within a minute`
  return { value: { retired }, text }
}
