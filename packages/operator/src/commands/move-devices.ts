import { readFile } from 'node:fs/promises'
import type { MoveProgress } from '@heliograph/machine/operator/contract'
import { type Command, InvalidArgumentError } from 'commander'
import { type Endpoint, shakeHands } from '../checks/tls.ts'
import { Failure } from '../failure.ts'
import { reasonOf } from '../files.ts'
import { type MachineDeployment, machineOnly } from '../machine-deployment.ts'
import { count, fields, type Report, timeText } from '../report.ts'
import { demandYes, type Runner, type Session } from '../session.ts'

/** The commands that send a machine's devices to where its export was imported. */
export function addMoveDevicesCommands(program: Command, run: Runner): void {
  const move = program
    .command('move')
    .description('tell devices where the service goes on, and see who has followed')
  addAnnounce(move, run)
  addStatus(move, run)
  addCancel(move, run)
}

interface AnnounceFlags {
  readonly to: Pick<Endpoint, 'host' | 'port'>
  readonly ca: string
  readonly perSecond: number
  readonly unchecked?: boolean
  readonly yes?: boolean
}

/** Comes to the new place as so many handshakes; the largest fleet of one machine is through in minutes. */
const PER_SECOND = 50

function addAnnounce(move: Command, run: Runner): void {
  move
    .command('announce')
    .description('tell every device, now or when it connects, to go to another place')
    .requiredOption('--to <host:port>', 'where devices connect at the new place', parsePlace)
    .requiredOption('--ca <file>', 'PEM of the CA that they check the certificate there against')
    .option(
      '--per-second <n>',
      'connected devices that are told in a second',
      parseRate,
      PER_SECOND,
    )
    .option('--unchecked', 'where the new place cannot be reached from here')
    .option('--yes', 'do it')
    .addHelpText('after', announceHelp)
    .action((flags: AnnounceFlags, command: Command) =>
      run(command, (session) => announce(session, flags)),
    )
}

const announceHelp = `
After export --final and import. A device keeps the old place until the new one has
answered for its tokens. Whom you announce gets the devices: check host, port and CA.
On AWS the address is the output IotEndpoint, the CA Amazon's roots.

Examples:
  heliograph --target machine move announce --to push.example.com:8883 --ca ca.pem --yes
  heliograph --target machine move announce --to a1b2c3-ats.iot.eu-west-1.amazonaws.com:8883 \\
    --ca AmazonRootCA1.pem --per-second 20 --yes --json`

async function announce(session: Session, flags: AnnounceFlags): Promise<Report> {
  const { host, port } = flags.to
  const ca = await readCa(flags.ca)
  const deployment = await machineOf(session)
  if (!flags.unchecked) await demandAnswer({ host, port, ca }, deployment.clock.now())
  demandYes(flags.yes, `every device of this machine will go to ${host}:${port}`)
  await deployment.machine.announceMove({ host, port, ca }, flags.perSecond)
  return report(await deployment.machine.moveProgress())
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (fault) {
    throw new Failure('usage', `the CA ${path} cannot be read: ${reasonOf(fault)}`)
  }
}

/** Never sends a fleet to an address that no device could connect to. */
async function demandAnswer(endpoint: Endpoint, now: number): Promise<void> {
  const { findings } = await shakeHands('the new place', endpoint, now)
  const wrong = findings.find(({ state }) => state === 'problem')
  if (wrong)
    throw new Failure(
      'refused',
      `${wrong.detail}; no device was told (--unchecked if devices see it otherwise)`,
    )
}

function addStatus(move: Command, run: Runner): void {
  move
    .command('status')
    .description('how far the machine and its devices are')
    .addHelpText('after', statusHelp)
    .action((_flags: object, command: Command) =>
      run(command, async (session) =>
        report(await (await machineOf(session)).machine.moveProgress()),
      ),
    )
}

const statusHelp = `
A device counts as having followed when it was told and is not connected here any more;
--json names those that have not. Ask the new place (device show) about a single one.

Examples:
  heliograph --target machine move status
  heliograph --target machine move status --json`

function addCancel(move: Command, run: Runner): void {
  move
    .command('cancel')
    .description('serve again: take notifications, and tell devices to stay')
    .option('--yes', 'do it')
    .addHelpText('after', cancelHelp)
    .action(({ yes }: { readonly yes?: boolean }, command: Command) =>
      run(command, (session) => cancel(session, yes)),
    )
}

const cancelHelp = `
What came to the new place since the export is not here. Devices that have followed stay there: if the
new place is a machine, announce this one from there.

Examples:
  heliograph --target machine move cancel --yes
  heliograph --target machine move cancel --yes --json`

async function cancel(session: Session, yes: boolean | undefined): Promise<Report> {
  const { machine } = await machineOf(session)
  const { followed } = await machine.moveProgress()
  demandYes(
    yes,
    followed === 0
      ? 'this machine will serve again'
      : `this machine will serve again, without ${count(followed, 'device')} that may have followed`,
  )
  await machine.withdrawMove()
  return report(await machine.moveProgress())
}

const INSTEAD = 'devices of a stage on AWS stay where they are'

const machineOf = async (session: Session): Promise<MachineDeployment> =>
  machineOnly(await session.deployment(), INSTEAD)

const states: Readonly<Record<MoveProgress['state'], string>> = {
  serving: 'serves; export --final closes it for a move',
  closed: 'closed: import the export, then move announce',
  announced: 'closed, and devices are told where to go',
  withdrawn: 'serves again, and tells devices to stay',
}

function report(progress: MoveProgress): Report {
  const { state, closedAt, announcedAt, to, devices, connected, told, followed } = progress
  const text = fields({
    machine: states[state],
    'closed at': closedAt && timeText(closedAt),
    'announced at': announcedAt && timeText(announcedAt),
    to: to && `${to.host}:${to.port}`,
    ...{ devices, connected, told, followed },
  })
  return { value: progress, text }
}

/** An IPv6 address is in brackets. */
function parsePlace(text: string): Pick<Endpoint, 'host' | 'port'> {
  const [, bracketed, name, port] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text) ?? []
  const host = bracketed ?? name
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new InvalidArgumentError('It is a host and a port, for example push.example.com:8883.')
  return { host, port: Number(port) }
}

const MOST_PER_SECOND = 10_000

function parseRate(text: string): number {
  const rate = Number(text)
  if (Number.isInteger(rate) && rate >= 1 && rate <= MOST_PER_SECOND) return rate
  throw new InvalidArgumentError(`It is a whole number from 1 to ${MOST_PER_SECOND}.`)
}
