import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Device, Notification } from '@heliograph/device'
import type { Cloud, CloudPorts } from '@heliograph/embedded-cloud'
import { LogFile } from '@heliograph/embedded-cloud'
import {
  DEMO_TOPIC,
  type LocalFile,
  prepareDemo,
  readyCanary,
  sendDemo,
  startDemoDevice,
  writeLocalFile,
} from './demo.ts'
import { startEmbedded } from './embedded.ts'

const usage = `npm start -- [--once] [--state DIR] [--port-base N] [--quiet]

  --once         send one notification to a demo device, print it and exit
  --state DIR    the folder for all state (default .heliograph)
  --port-base N  ports N (providers), N+1 (activation), N+2 (devices), N+3 (providers with tokens) and
                 N+4 (channels), default 2197, 2198, 8883, 2199 and 2196
  --quiet        print nothing but the received notification`

// the README says which Node; the SDK's own word on it hides what this command has to say
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

interface Options {
  readonly once: boolean
  readonly quiet: boolean
  readonly state: string
  readonly ports: Required<
    Pick<CloudPorts, 'mutualTls' | 'api' | 'mqtt' | 'domain' | 'mutualTlsAlso'>
  >
}

class UsageError extends Error {}

function readOptions(args: string[]): Options | 'help' {
  const { values } = parse(args)
  if (values.help) return 'help'
  return {
    once: values.once ?? false,
    quiet: values.quiet ?? false,
    state: resolve(values.state ?? '.heliograph'),
    ports: portsFrom(values['port-base']),
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        once: { type: 'boolean' },
        quiet: { type: 'boolean' },
        state: { type: 'string' },
        'port-base': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`)
  }
}

function portsFrom(base: string | undefined): Options['ports'] {
  if (base === undefined)
    return { mutualTls: 2197, api: 2198, mqtt: 8883, domain: 2199, mutualTlsAlso: 2196 }
  const first = Number(base)
  if (!Number.isInteger(first) || first < 1 || first > 65_531)
    throw new UsageError('--port-base takes a port number from 1 to 65531')
  return {
    ...{ mutualTls: first, api: first + 1, mqtt: first + 2, domain: first + 3 },
    mutualTlsAlso: first + 4,
  }
}

async function main(options: Options): Promise<void> {
  const say = (line: string) => options.quiet || console.log(line)
  const started = performance.now()
  const progress = (line: string) => say(`${seconds(started)}  ${line}`)
  rmSync(join(options.state, 'local.json'), { force: true })
  const cloud = await startEmbedded({
    state: options.state,
    ports: options.ports,
    log: logTo(join(options.state, 'logs')),
    tuning: { scheduleMinuteMs: options.once ? 0 : MINUTE_MS },
    progress,
  })
  const demo = await runDemo(cloud, options, progress)
  if (options.once) {
    writeLocalFile(options.state, demo.local)
    await demo.device.close()
    await cloud.close()
    return
  }
  // nobody waits for it, and nothing depends on it
  readyCanary(cloud).catch((error: unknown) => console.error(`the canary: ${sentence(error)}`))
  say(suggestions(demo.local, demo.token, options.state))
  serve(cloud, demo, options)
  // last: whoever waits for it may end this at once
  writeLocalFile(options.state, demo.local)
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1).padStart(5)} s`
}

const MINUTE_MS = 60_000

/** What the embedded cloud says goes to files; the terminal is for what the user asked for. */
function logTo(folder: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = new LogFile(join(folder, 'cloud.log'), (error) => console.error(error.message))
  return (part: string, line: string) =>
    file.write(`${new Date().toISOString()} ${part}: ${line}\n`)
}

interface Demo {
  readonly local: LocalFile
  readonly token: string
  readonly device: Device
}

async function runDemo(
  cloud: Cloud,
  { state }: Options,
  progress: (line: string) => void,
): Promise<Demo> {
  const local = await prepareDemo(cloud, state)
  progress(`provider certificate for ${DEMO_TOPIC}`)
  const arrivals = new Arrivals()
  const { device, token } = await startDemoDevice(local, state, (one) => arrivals.add(one))
  progress(`demo device ${device.deviceId} activated, connected and registered`)
  // the first of each function starts its execution environment; the second shows the usual time
  await sendDemo(local, token, 'warm-up')
  await arrivals.next((one) => alertOf(one) === 'warm-up')
  const sentAt = performance.now()
  const greeting = `Hello from Heliograph, ${new Date().toISOString()}`
  await sendDemo(local, token, greeting)
  const received = await arrivals.next((one) => alertOf(one) === greeting)
  const took = (performance.now() - sentAt).toFixed(0)
  progress(`sent with @parse/node-apn; the device had it ${took} ms later:`)
  console.log(JSON.stringify(received, null, 2))
  arrivals.print = true
  return { local, token, device }
}

function alertOf(notification: Notification): unknown {
  const payload = notification.payload as { aps?: { alert?: unknown } }
  return payload.aps?.alert
}

/** Notifications as they arrive at the demo device. */
class Arrivals {
  print = false
  readonly #seen: Notification[] = []
  readonly #waiting: ((one: Notification) => void)[] = []

  add(one: Notification): void {
    if (this.print) console.log(`the device received: ${JSON.stringify(one)}`)
    else this.#seen.push(one)
    for (const tell of this.#waiting.splice(0)) tell(one)
  }

  async next(matches: (one: Notification) => boolean): Promise<Notification> {
    const deadline = AbortSignal.timeout(30_000)
    for (;;) {
      const found = this.#seen.find(matches)
      if (found) return found
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(() => resolve())
        deadline.addEventListener('abort', () =>
          reject(new Error('the demo notification did not arrive within 30 s: see the logs')),
        )
      })
    }
  }
}

function suggestions(local: LocalFile, token: string, state: string): string {
  const { url, ca, cert, key } = local.provider
  const send = (alert: string) =>
    `curl --http2 --cacert ${ca} --cert ${cert} --key ${key} -H 'apns-topic: ${DEMO_TOPIC}' ` +
    `-d '{"aps":{"alert":"${alert}"}}' ${url}/3/device/${token}`
  return `
Serving. ${join(state, 'local.json')} says how to reach it. Three things to try in another terminal:

1. Send with curl and the provider certificate:
   ${send('hello')}

2. Stop the device and send three:
   kill -USR2 ${process.pid}; for n in 1 2 3; do ${send("'$n'")}; done

3. Start the device and see only the newest:
   kill -USR2 ${process.pid}

Ctrl-C ends it; the state is kept.`
}

function serve(cloud: Cloud, demo: Demo, { state }: Options): void {
  let device: Device | undefined = demo.device
  const toggle = async () => {
    if (device) {
      await device.close()
      device = undefined
      console.log('the device is offline')
      return
    }
    const print = (one: Notification) => console.log(`the device received: ${JSON.stringify(one)}`)
    device = (await startDemoDevice(demo.local, state, print)).device
    console.log('the device is online')
  }
  let turn = Promise.resolve()
  process.on('SIGUSR2', () => {
    turn = turn.then(toggle).catch((error: unknown) => console.error(sentence(error)))
  })
  const stop = async () => {
    // who waits for this file waits for a cloud that answers
    rmSync(join(state, 'local.json'), { force: true })
    await device?.close()
    await cloud.close()
    process.exit(0)
  }
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      stop().catch(fail)
    })
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function fail(error: unknown): never {
  console.error(sentence(error))
  if (process.env.DEBUG && error instanceof Error) console.error(error.stack)
  process.exit(error instanceof UsageError ? 2 : 1)
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else {
    await main(options)
    if (options.once) process.exit(0)
  }
} catch (error) {
  fail(error)
}
