import { downTopics } from '@heliograph/protocol/mqtt-topic'
import 'reflect-metadata'
import { type ChildProcess, fork } from 'node:child_process'
import { webcrypto } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { IoTDataPlaneClient, SendDirectMessageCommand } from '@aws-sdk/client-iot-data-plane'
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509'
import { generate, parser } from 'mqtt-packet'
import { summarize } from '../tools/faults/summary.ts'
import type { BrokerReady } from './child/broker.ts'
import { round } from './figures.ts'
import { inParallel } from './fleet.ts'
import { usageOf } from './process-usage.ts'
import type { Row } from './report.ts'

/**
 * Devices with client certificates connected to the embedded broker, in steps: how fast they come, what
 * each takes of the broker's memory, how long a direct message takes among them, and whether all stay.
 * All have one certificate: making thousands would measure this machine's random numbers.
 */
export async function benchConnections(
  steps: readonly number[],
  say: (line: string) => void,
): Promise<Row[]> {
  const identity = await makeIdentity()
  const broker = await startBroker(identity.cert)
  const devices: Device[] = []
  try {
    const rows: Row[] = []
    for (const step of steps) {
      rows.push(await grow(devices, step, broker, identity))
      say(`${devices.length} devices connected`)
    }
    return rows
  } finally {
    for (const { socket } of devices) socket.destroy()
    broker.child.disconnect()
  }
}

interface Identity {
  readonly cert: string
  readonly key: string
}

interface Broker extends BrokerReady {
  readonly child: ChildProcess
  readonly data: IoTDataPlaneClient
}

/** A device of little more than a socket: ten thousand of a whole client would crowd this process. */
interface Device {
  readonly clientId: string
  readonly socket: TLSSocket
}

async function grow(
  devices: Device[],
  target: number,
  broker: Broker,
  identity: Identity,
): Promise<Row> {
  const first = devices.length
  const context = createSecureContext({ ca: broker.authority, ...identity })
  const started = performance.now()
  const added = await inParallel(target - first, 32, (index) =>
    connectDevice(`device-${first + index}`, broker.mqttPort, context),
  )
  const seconds = (performance.now() - started) / 1000
  devices.push(...added)
  // by then the memory of the handshakes has been freed, and whoever would be dropped has been
  await wait(5_000)
  const grown = usageOf(broker.child.pid).residentMegabytes * 1024 - broker.resident / 1024
  const times = await push(devices, broker.data)
  const connected = devices.filter(({ socket }) => !socket.destroyed).length
  return {
    what: `${target} devices connected`,
    figures: {
      'connects per second': round((target - first) / seconds, 0),
      'kB RSS each': round(grown / target),
      'direct message p50 ms': round(times.p50, 2),
      'p99 ms': round(times.p99, 2),
      lost: target - connected,
    },
  }
}

/** One direct message after the other, to devices from all over. */
async function push(devices: readonly Device[], data: IoTDataPlaneClient) {
  const times: number[] = []
  for (let n = 0; n < 300; n += 1) {
    const { clientId } = devices[Math.floor((n / 300) * devices.length)] as Device
    const sentAt = performance.now()
    await data.send(
      new SendDirectMessageCommand({
        clientId,
        topic: downTopics.notification,
        payload: Buffer.from('{"aps":{"alert":"x"}}'),
        confirmation: true,
      }),
    )
    // the first ones find code that has not been compiled yet
    if (n >= 100) times.push(performance.now() - sentAt)
  }
  return summarize(times)
}

function connectDevice(
  clientId: string,
  port: number,
  secureContext: ReturnType<typeof createSecureContext>,
): Promise<Device> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext })
    const packets = parser({ protocolVersion: 4 })
    packets.on('packet', (packet) => {
      if (packet.cmd === 'connack' && packet.returnCode === 0) resolve({ clientId, socket })
      else if (packet.cmd === 'connack') reject(new Error(`CONNACK ${packet.returnCode}`))
      else if (packet.cmd === 'publish')
        socket.write(generate({ cmd: 'puback', messageId: packet.messageId ?? 0 }))
    })
    socket.setNoDelay()
    socket.on('data', (chunk) => packets.parse(chunk))
    socket.on('error', reject)
    socket.once('close', () => reject(new Error(`${clientId} was disconnected`)))
    socket.once('secureConnect', () =>
      socket.write(
        generate({
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: 4,
          clean: true,
          clientId,
          keepalive: 1_200,
        }),
      ),
    )
  })
}

async function startBroker(certificate: string): Promise<Broker> {
  const script = fileURLToPath(new URL('./child/broker.ts', import.meta.url))
  const child = fork(script, [certificate], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  })
  const ready = await new Promise<BrokerReady>((resolve, reject) => {
    child.once('message', (message) => resolve(message as BrokerReady))
    child.once('exit', () => reject(new Error('the broker did not start')))
  })
  const data = new IoTDataPlaneClient({
    endpoint: ready.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  })
  return { ...ready, child, data }
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

async function makeIdentity(): Promise<Identity> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=bench',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 24 * 3_600_000),
  })
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: certificate.toString('pem'), key: PemConverter.encode(der, 'PRIVATE KEY') }
}
