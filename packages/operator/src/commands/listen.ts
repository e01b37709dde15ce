import { join } from 'node:path'
import type { Device, Notification } from '@heliograph/device'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { readSecret } from '../files.ts'
import { inviteDevices } from '../operations/invite.ts'
import { timeText } from '../report.ts'
import type { Runner, Session } from '../session.ts'
import { parseWhole } from '../values.ts'

interface ListenOptions {
  readonly topic?: readonly string[]
  readonly device?: string
  readonly codeFile?: string
  readonly count?: string
}

export function addListenCommand(program: Command, run: Runner): void {
  program
    .command('listen')
    .description('be a device: print its tokens and what it receives')
    .option(
      '--topic <topic...>',
      'register for these (default: the topic of the demo app, if there is one)',
    )
    .option('--device <dir>', "the device's own state (default: <state>/listen)")
    .option('--code-file <file>', 'activation code; if absent, one is made with your permissions')
    .option('--count <n>', 'end after this many notifications')
    .addHelpText('after', listenHelp)
    .action((options: ListenOptions, command: Command) =>
      run(command, (session) => listen(session, options)),
    )
}

const listenHelp = `
The device is activated the first time and stays the same after that. Ctrl-C ends
it; the newest notification per topic then waits for the next time.

Examples:
  heliograph listen
  heliograph listen --topic com.example.app com.example.app.voip --count 1
  heliograph --target aws --stage prod listen --topic com.example.app --device ./phone`

async function listen(session: Session, options: ListenOptions): Promise<undefined> {
  const limit =
    options.count === undefined
      ? Number.POSITIVE_INFINITY
      : parseWhole('--count', options.count, 1, 1_000_000)
  const topics = await topicsToHear(session, options.topic)
  const device = await openListener(session, options)
  try {
    const done = received(session, device, limit)
    await activate(device)
    await device.connect()
    await Promise.all(topics.map((topic) => device.register(topic)))
    for (const [topic, token] of device.tokens()) printToken(session, device, topic, token)
    // from here on: tokens that replace these
    device.on('token', ({ topic, token }) => printToken(session, device, topic, token))
    await Promise.race([done, stopped(session.terminal.stop)])
  } finally {
    await device.close()
  }
  return undefined
}

/** The topics that the user named, or that of the demo app. */
export async function topicsToHear(
  session: Session,
  named: readonly string[] | undefined,
): Promise<readonly string[]> {
  if (named) return named
  const demo = session.target.target === 'aws' ? undefined : (await session.entrances()).demo?.topic
  if (demo) return [demo]
  throw new Failure('usage', 'say what to listen for: --topic com.example.app')
}

async function openListener(session: Session, options: ListenOptions): Promise<Device> {
  const { openDevice } = await import('@heliograph/device')
  const { url, ca } = (await session.entrances()).activation
  const directory = options.device ?? join(session.target.state, 'listen')
  const device = await openDevice({ directory })
  if (device.deviceId !== undefined) return device
  await device.close()
  const code = await codeOf(session, options)
  return openDevice({ directory, activation: { url, code, ...(ca && { ca }) } })
}

const CODE_SECONDS = 300

async function codeOf(session: Session, { codeFile }: ListenOptions): Promise<string> {
  if (codeFile !== undefined) return readSecret(codeFile, 'activation code')
  const [invitation] = await inviteDevices(await session.deployment(), { ttlSeconds: CODE_SECONDS })
  if (!invitation) throw new Error('no activation code was made')
  return invitation.code
}

async function activate(device: Device): Promise<void> {
  try {
    await device.activate()
  } catch (fault) {
    const text = fault instanceof Error ? fault.message : String(fault)
    throw new Failure('refused', text, { cause: fault })
  }
}

/** Resolves after this many notifications. */
function received(session: Session, device: Device, limit: number): Promise<void> {
  const { terminal, json } = session
  device.on('disconnected', ({ cause, retryInMs }) => {
    if (retryInMs !== undefined) terminal.note(`disconnected: ${cause}`)
  })
  device.on('error', (error) => terminal.note(`heliograph: ${error.message}`))
  let left = limit
  return new Promise((resolve) => {
    device.onNotification((notification) => {
      if (json) terminal.print(JSON.stringify(notification))
      else for (const line of notificationLines(notification)) terminal.print(line)
      left -= 1
      if (left <= 0) resolve()
    })
  })
}

function printToken(session: Session, device: Device, topic: string, token: string): void {
  const { deviceId } = device
  const line = { deviceId, topic, token }
  session.terminal.print(
    session.json ? JSON.stringify(line) : `device ${deviceId}, ${topic}, token ${token}`,
  )
}

function notificationLines(one: Notification): readonly string[] {
  const how = one.stored ? ' (stored)' : ''
  return [`${timeText(one.acceptedAt)}  ${one.topic}  ${one.id}${how}`, `  ${one.payloadText}`]
}

function stopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve()
    stop.addEventListener('abort', () => resolve(), { once: true })
  })
}
