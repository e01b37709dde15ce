import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import type { LocalFile } from '../../bin/demo.ts'
import type { Cloud } from '../../packages/embedded-cloud/src/cloud.ts'
import type { BeforeService, Fault } from '../../packages/embedded-cloud/src/endpoint.ts'
import { describeOrder, plainRequest } from './behaviors.ts'
import { shapeFaults } from './judge.ts'
import { alert, nodeApn } from './node-apn.ts'
import { activatePlainly, PlainDevice, until } from './plain-device.ts'
import type { Result } from './run-case.ts'
import type { Sessions, Setting } from './setting.ts'
import { type Outgoing, type Seen, type Silence, send, summary } from './wire.ts'

/** An embedded cloud whose services can be made to fail. */
export interface Embedded {
  readonly local: LocalFile
  readonly cloud: Pick<Cloud, 'killWorkers'>
  readonly setting: Setting
  readonly sessions: Sessions
  readonly faults: FaultSwitch
}

/** Applies to service calls whatever is to happen to them at the moment. */
export class FaultSwitch {
  now: BeforeService | undefined
  readonly beforeService: BeforeService = (call) => this.now?.(call)

  /** Afflicts accept's next messages to the queue, one after the other, and no other's; says how many are left. */
  next(faults: readonly Fault[]): () => number {
    const left = [...faults]
    this.now = ({ service, action, request: { caller } }) =>
      service === 'sqs' && action === 'SendMessage' && /Accept/.test(caller.name)
        ? left.shift()
        : undefined
    return () => left.length
  }

  /** Afflicts every call of a service that a function makes. */
  all(service: string, fault: Fault): void {
    this.now = (call) =>
      call.service === service && call.request.caller.name !== 'operator' ? fault : undefined
  }

  none(): void {
    this.now = undefined
  }
}

export interface EmbeddedBehavior {
  readonly id: string
  readonly title: string
  readonly expected: string
  run(embedded: Embedded): Promise<string>
}

export async function runEmbedded(
  { id, expected, run }: EmbeddedBehavior,
  embedded: Embedded,
): Promise<Result> {
  try {
    return { id, expected, seen: await run(embedded), faults: [] }
  } catch (fault) {
    const seen = fault instanceof Error ? fault.message : String(fault)
    return { id, expected, seen, faults: [seen] }
  } finally {
    embedded.faults.none()
  }
}

/** A device without the SDK, which would drop repeats, registered for the topic. */
async function openReceiver({ local }: Pick<Embedded, 'local'>) {
  const activation = await activatePlainly({ local })
  const device = new PlainDevice(activation)
  await device.connect()
  const { publish } = activation.answer
  await device.publish(publish.connect, { tokens: [] })
  await device.take(downTopics.connected)
  await device.publish(publish.register, { topic: local.provider.topic })
  const token = String((await device.take(downTopics.token)).token)
  const received = () =>
    device.messages
      .filter(({ topic }) => topic === downTopics.notification)
      .map(({ text }) => JSON.parse(text) as { id: string; payload: { aps: { alert: string } } })
  return { device, token, received }
}

/** For "no second one arrives" there is nothing to wait for but time. */
const QUIET_MS = 1_500

const overloaded: Fault = {
  outcome: 'answer',
  status: 500,
  code: 'InternalFailure',
  message: 'the service has failed',
}

/** Longer than any provider waits. */
const hangs: Fault = { outcome: 'pass', delayMs: 7_000 }

/**
 * The SDK of accept tries twice; two refusals make one answer of 503. An answer lost on a connection
 * that was in use before does not count: the call is repeated at once, as if the connection had been stale.
 */
const twoFailures = [overloaded, overloaded]

async function retriedByNodeApn(embedded: Embedded, faults: readonly Fault[]): Promise<string> {
  const { device, token, received } = await openReceiver(embedded)
  const provider = nodeApn(embedded)
  try {
    const left = embedded.faults.next(faults)
    const { sent, failed } = await provider.send(alert('once', { id: randomUUID() }), token)
    embedded.faults.none()
    if (left() > 0) throw new Error(`${left()} faults met no call`)
    await until(() => received().length > 0)
    await wait(QUIET_MS)
    const seen = `${sent.length} sent, ${failed.length} failed, ${received().length} at the device`
    if (seen !== '1 sent, 0 failed, 1 at the device') throw new Error(seen)
    return seen
  } finally {
    await provider.shutdown()
    await device.close()
  }
}

const idemRetry: EmbeddedBehavior = {
  id: 'idem-retry',
  title: 'node-apn repeats on 503 with one apns-id: exactly one delivery',
  expected: '1 sent, 0 failed, 1 at the device',
  run: (embedded) => retriedByNodeApn(embedded, [...twoFailures, ...twoFailures]),
}

const idemLostAnswer: EmbeddedBehavior = {
  id: 'idem-lost-answer',
  title: 'the queue took it but its answer was lost, so the provider hears 503 and repeats',
  expected: '1 sent, 0 failed, 1 at the device',
  run: (embedded) => retriedByNodeApn(embedded, [{ outcome: 'lose' }, ...twoFailures]),
}

const idemAtOnce: EmbeddedBehavior = {
  id: 'idem-at-once',
  title: 'the same apns-id four times within 50 ms, and once in upper case',
  expected: '5 × 200, 1 at the device',
  async run(embedded) {
    const { device, token, received } = await openReceiver(embedded)
    try {
      const id = randomUUID()
      const copies = [id, id, id, id, id.toUpperCase()].map((one) => withId(embedded, token, one))
      const answers = await Promise.all(copies)
      await until(() => received().length > 0)
      await wait(QUIET_MS)
      const good = answers.filter((answer) => summary(answer) === '200').length
      const seen = `${good} × 200, ${received().length} at the device`
      if (seen !== '5 × 200, 1 at the device') throw new Error(seen)
      return seen
    } finally {
      await device.close()
    }
  },
}

async function withId(embedded: Embedded, token: string, id: string): Promise<Seen | Silence> {
  const { session, request } = await ready(embedded, token)
  return send(session, { ...request, fields: [...request.fields, ['apns-id', id]] })
}

async function ready({ setting, sessions }: Embedded, token?: string) {
  const pair = await setting.certificate('any')
  const live = token ?? (await setting.token('live', setting.topic))
  if (!pair || !live) throw new Error('the embedded cloud gave no certificate or device token')
  const context = { setting, sessions, pair, token: live }
  return { session: sessions.of('any', pair), request: plainRequest(context) }
}

/** Each layer behind the edge, broken in its way; what a provider hears is 5xx in Apple's shape. */
const breakages: readonly [string, (embedded: Embedded) => void][] = [
  ['queue fails', ({ faults }) => faults.all('sqs', overloaded)],
  ['queue cuts connections', ({ faults }) => faults.all('sqs', { outcome: 'cut' })],
  ['queue hangs', ({ faults }) => faults.all('sqs', hangs)],
  // what accept believes of a provider and a device outlives a short failure of the tables
  ['tables fail, new function', (embedded) => startsCold(embedded, overloaded)],
  ['tables hang, new function', (embedded) => startsCold(embedded, hangs)],
  ['function dies', dyingFunction],
]

function startsCold({ faults, cloud }: Embedded, fault: Fault): void {
  faults.all('dynamodb', fault)
  void cloud.killWorkers('heliograph-local-accept')
}

function dyingFunction({ faults, cloud }: Embedded): void {
  faults.now = (call) => {
    if (call.service !== 'sqs' || call.action !== 'SendMessage') return undefined
    void cloud.killWorkers('heliograph-local-accept')
    return { outcome: 'pass', delayMs: 1_000 }
  }
}

const behindTheEdge: EmbeddedBehavior = {
  id: 'err-behind-the-edge',
  title: 'whatever breaks behind the edge, the provider hears 5xx with a reason within 5 s',
  expected: 'InternalServerError or ServiceUnavailable for each, in time',
  async run(embedded) {
    const seen: string[] = []
    for (const [what, breakIt] of breakages) {
      const { session, request } = await ready(embedded)
      breakIt(embedded)
      const answer = await send(session, request)
      embedded.faults.none()
      seen.push(`${what}: ${summary(answer)}`)
      const faults = brokenFaults(answer)
      if (faults.length > 0) throw new Error(`${what}: ${summary(answer)}: ${faults.join(', ')}`)
    }
    await recovered(embedded)
    return seen.join('; ')
  },
}

function brokenFaults(answer: Seen | Silence): string[] {
  if ('silence' in answer) return [answer.silence]
  return answer.status < 500 ? ['accepted'] : shapeFaults(answer, undefined)
}

async function recovered(embedded: Embedded): Promise<void> {
  const { session, request } = await ready(embedded)
  await until(async () => summary(await send(session, request)) === '200')
}

const SENDS = 200

const order: EmbeddedBehavior = {
  id: 'order-1ms',
  title: `${SENDS} notifications 1 ms apart on one connection to a device that is online`,
  expected: 'all arrive; their order is reported, not promised',
  async run(embedded) {
    const { device, token, received } = await openReceiver(embedded)
    try {
      const { session, request } = await ready(embedded, token)
      const answers: Promise<Seen | Silence>[] = []
      for (let place = 0; place < SENDS; place += 1) {
        answers.push(send(session, numbered(request, place)))
        await wait(1)
      }
      const refused = (await Promise.all(answers)).filter((answer) => summary(answer) !== '200')
      if (refused.length > 0) throw new Error(`${refused.length} were not accepted`)
      await until(() => received().length >= SENDS)
      return describeOrder(received().map(({ payload }) => Number(payload.aps.alert)))
    } finally {
      await device.close()
    }
  },
}

function numbered(request: Outgoing, place: number): Outgoing {
  return { ...request, body: Buffer.from(JSON.stringify({ aps: { alert: String(place) } })) }
}

export const embeddedBehaviors: readonly EmbeddedBehavior[] = [
  idemRetry,
  idemLostAnswer,
  idemAtOnce,
  behindTheEdge,
  order,
]
