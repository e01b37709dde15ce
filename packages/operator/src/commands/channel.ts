import { parseStoragePolicy, type StoragePolicy } from '@heliograph/protocol/storage-policy'
import { type Command, Option } from 'commander'
import {
  type AppChannels,
  type ChannelView,
  checkApp,
  checkChannelId,
  createChannel,
  deleteChannel,
  listChannels,
  publishToChannel,
  showChannel,
} from '../operations/channels.ts'
import { explainAnswer } from '../operations/explain.ts'
import { count, fields, type Report } from '../report.ts'
import { demandYes, type Runner, type Session } from '../session.ts'
import { addIdentityOptions, asProvider, demoTopic, type IdentityOptions } from './identity.ts'
import { type PayloadOptions, payloadOf } from './payload.ts'
import { resultText } from './send.ts'

interface ChannelOptions extends IdentityOptions {
  readonly topic?: string
}

/** Channels, as the app's provider manages them and publishes to them. */
export function addChannelCommands(program: Command, run: Runner): void {
  const channel = program
    .command('channel')
    .description('channels: one broadcast for all devices that have joined')
  addCreate(channel, run)
  addList(channel, run)
  addShow(channel, run)
  addDelete(channel, run)
  addPublish(channel, run)
}

function addOptions(command: Command): Command {
  const topic = '--topic <topic>'
  return addIdentityOptions(
    command.option(topic, "the app's bundle id (embedded: that of the demo app)"),
  )
}

async function atApp<T>(
  session: Session,
  options: ChannelOptions,
  work: (at: AppChannels) => Promise<T>,
): Promise<T> {
  const app = checkApp(options.topic ?? (await demoTopic(session, options)))
  return asProvider(session, options, (edge) => work({ edge, app }))
}

interface CreateOptions extends ChannelOptions {
  readonly policy: string
}

function addCreate(channel: Command, run: Runner): void {
  const create = channel
    .command('create')
    .description('create a channel, and print its id')
    .addOption(
      new Option('--policy <n>', '1: store the latest broadcast for who joins later; 0: nothing')
        .choices(['0', '1'])
        .default('1'),
    )
  addOptions(create)
    .addHelpText('after', createHelp)
    .action((options: CreateOptions, command: Command) =>
      run(command, (session) => createOne(session, options)),
    )
}

const createHelp = `
Whoever knows the id may join: hand it out like a key. A bundle id has at most 10,000
channels.

Examples:
  heliograph channel create
  heliograph channel create --topic com.example.app --policy 0 --p12 certs/app.p12 --json`

async function createOne(session: Session, options: CreateOptions): Promise<Report> {
  const policy: StoragePolicy = parseStoragePolicy(Number(options.policy)) ?? 1
  const view = await atApp(session, options, (at) => createChannel(at, policy))
  return { value: view, text: view.channel }
}

function addList(channel: Command, run: Runner): void {
  addOptions(channel.command('list').description("the ids of an app's channels"))
    .addHelpText('after', listHelp)
    .action((options: ChannelOptions, command: Command) =>
      run(command, (session) => list(session, options)),
    )
}

const listHelp = `
Examples:
  heliograph channel list
  heliograph channel list --topic com.example.app --p12 certs/app.p12 --json`

async function list(session: Session, options: ChannelOptions): Promise<Report> {
  const channels = await atApp(session, options, listChannels)
  const text = channels.length > 0 ? channels.join('\n') : 'no channels'
  return { value: { channels }, text }
}

function addShow(channel: Command, run: Runner): void {
  const show = channel
    .command('show')
    .description('what a channel stores')
    .argument('<id>', 'its id, 24 letters and digits')
  addOptions(show)
    .addHelpText('after', showHelp)
    .action((id: string, options: ChannelOptions, command: Command) =>
      run(command, (session) => showOne(session, id, options)),
    )
}

const showHelp = `
Nobody knows who has joined: a channel has no list of devices, no receipts and no feedback.
Exit code 3 if the bundle id has no such channel.

Examples:
  heliograph channel show 7KcWm0pXz4hJqRbT1uVnYs2A
  heliograph channel show 7KcWm0pXz4hJqRbT1uVnYs2A --topic com.example.app --p12 certs/app.p12`

async function showOne(session: Session, id: string, options: ChannelOptions): Promise<Report> {
  const channel = checkChannelId(id)
  const view = await atApp(session, options, (at) => showChannel(at, channel))
  return { value: view, text: fields({ channel: view.channel, stores: storesText(view) }) }
}

function storesText({ storagePolicy }: ChannelView): string {
  return storagePolicy === 0
    ? 'nothing (policy 0)'
    : 'the latest broadcast, for 8 hours at most (policy 1)'
}

interface DeleteOptions extends ChannelOptions {
  readonly yes?: boolean
}

function addDelete(channel: Command, run: Runner): void {
  const remove = channel
    .command('delete')
    .description('end channels, permanently, with what they store')
    .argument('<id...>', 'their ids')
    .option('--yes', 'do it')
  addOptions(remove)
    .addHelpText('after', deleteHelp)
    .action((ids: string[], options: DeleteOptions, command: Command) =>
      run(command, (session) => deleteAll(session, ids, options)),
    )
}

const deleteHelp = `
Devices that have joined are told nothing; nothing reaches them there any more.

Examples:
  heliograph channel delete 7KcWm0pXz4hJqRbT1uVnYs2A --yes
  heliograph channel list | xargs heliograph channel delete --yes`

async function deleteAll(
  session: Session,
  ids: readonly string[],
  options: DeleteOptions,
): Promise<Report> {
  const channels = ids.map(checkChannelId)
  demandYes(options.yes, `${count(channels.length, 'channel')} will be gone for good`)
  await atApp(session, options, async (at) => {
    for (const channel of channels) await deleteChannel(at, channel)
  })
  return { value: { deleted: channels }, text: `deleted ${count(channels.length, 'channel')}` }
}

interface PublishOptions extends ChannelOptions, PayloadOptions {
  readonly priority?: string
  readonly expiration?: string
  readonly id?: string
}

function addPublish(channel: Command, run: Runner): void {
  const publish = channel
    .command('publish')
    .description('send a broadcast to all devices that have joined a channel')
    .argument('<id>', 'its id, 24 letters and digits')
    .option('--alert <text>', 'short for a payload with just this alert')
    .option('--payload <json>', 'JSON text, a file that contains it, or - for standard input')
    .option('--priority <n>', 'apns-priority: 10, 5 or 1')
    .option(
      '--expiration <seconds>',
      'apns-expiration: UNIX seconds until which it is stored, or 0',
    )
    .option('--id <uuid>', 'apns-id')
  addOptions(publish)
    .addHelpText('after', publishHelp)
    .action((id: string, options: PublishOptions, command: Command) =>
      run(command, (session) => publishOne(session, id, options)),
    )
}

const publishHelp = `
Exit code 4 if the service refuses it. A channel with policy 1 stores it for those who join
later: without --expiration for 8 hours, with 0 not at all.

Examples:
  heliograph channel publish 7KcWm0pXz4hJqRbT1uVnYs2A --alert "Goal"
  heliograph channel publish 7KcWm0pXz4hJqRbT1uVnYs2A --payload score.json --expiration 0 \\
      --topic com.example.app --key AuthKey_ABC123DEFG.p8 --team-id ABCDE12345`

async function publishOne(session: Session, id: string, options: PublishOptions): Promise<Report> {
  const { priority, expiration, id: apnsId } = options
  const order = {
    channel: checkChannelId(id),
    payload: await payloadOf(session, options),
    ...{ priority, expiration, id: apnsId },
  }
  const result = await atApp(session, options, (at) => publishToChannel(at, order))
  const explanation = explainAnswer(result.status, result.reason)
  const report = { value: { ...result, explanation }, text: resultText(result, explanation) }
  return result.status === 200 ? report : { ...report, exit: 'refused' }
}
