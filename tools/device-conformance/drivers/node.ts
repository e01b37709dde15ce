/** The driver of `@heliograph/device` for the conformance suite: docs/device-conformance.md. */
import { createInterface } from 'node:readline'
import {
  type Device,
  HeliographDeviceError,
  type Notification,
  openDevice,
  systemClock,
} from '@heliograph/device'
import manifest from '../../../packages/device/package.json' with { type: 'json' }
import type {
  Answer,
  Command,
  DriverError,
  DriverEvent,
  HandlerCommand,
  OpenCommand,
} from '../driver-protocol.ts'

function write(line: Answer | DriverEvent): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** How notifications are handled, and those that are held. */
let handling: HandlerCommand = { do: 'handler', mode: 'take' }
const held: (() => void)[] = []
let device: Device | undefined

function opened(): Device {
  if (device) return device
  throw new Error('open comes first')
}

async function handle({ payload: _parsed, ...notification }: Notification): Promise<void> {
  write({ event: 'notification', notification })
  const { mode, delayMs = 0 } = handling
  if (mode === 'hold') await new Promise<void>((resolve) => held.push(resolve))
  else if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
  if (mode === 'fail') throw new Error('the handler fails as it was told')
  write({ event: 'handled', id: notification.id, topic: notification.topic })
}

async function open({
  do: _open,
  clockOffsetMs = 0,
  mayMove = true,
  ...options
}: OpenCommand): Promise<void> {
  const clock = { ...systemClock, now: () => Date.now() + clockOffsetMs }
  const log = (line: string) => write({ event: 'log', line })
  device = await openDevice({ ...options, clock, log, mayMoveTo: () => mayMove })
  for (const event of ['connected', 'disconnected', 'token', 'accepted', 'moved'] as const)
    device.on(event, (fields) => write({ event, ...fields } as DriverEvent))
  device.on('rejected', ({ topic, ...fields }) =>
    write({ event: 'rejected', ...fields, ...(topic === undefined ? {} : { topic }) }),
  )
  device.on('error', ({ reason, message, topic, channel }) => {
    const about = { ...(topic === undefined ? {} : { topic }), ...(channel && { channel }) }
    write({ event: 'error', reason, message, ...about })
  })
}

async function run(command: Command): Promise<Record<string, unknown>> {
  switch (command.do) {
    case 'open':
      await open(command)
      return { deviceId: opened().deviceId ?? null }
    case 'activate':
      return { deviceId: await opened().activate() }
    case 'register':
      return { token: await opened().register(command.topic) }
    case 'unregister':
      await opened().unregister(command.topic)
      return {}
    case 'join':
    case 'leave':
      await opened()[command.do](command.channel)
      return {}
    case 'channels':
      return { channels: opened().channels() }
    case 'tokens':
      return { tokens: Object.fromEntries(opened().tokens()) }
    case 'handler':
      handling = command
      opened().onNotification(handle)
      return {}
    case 'release':
      for (const go of held.splice(0)) go()
      return {}
    default:
      await opened()[command.do]()
      return {}
  }
}

function errorOf(thrown: unknown): DriverError {
  const reason = thrown instanceof HeliographDeviceError ? thrown.reason : 'DriverFailed'
  return { reason, message: thrown instanceof Error ? thrown.message : String(thrown) }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id, ...command } = JSON.parse(line) as Command & { readonly id: number }
    run(command).then(
      (ok) => write({ id, ok }),
      (thrown) => write({ id, error: errorOf(thrown) }),
    )
  })
  .on('close', () => process.exit(0))

const { name, version } = manifest
write({ event: 'ready', name, version, language: `Node.js ${process.version}` })
