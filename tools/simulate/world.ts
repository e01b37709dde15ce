import type { Log } from '@heliograph/aws/log'
import { flushing, type OutcomeBatch } from '@heliograph/aws/outcome-batch'
import { cachedProviderKeys, cachedProviders, cachedRegistrations } from '@heliograph/core/cached'
import { genuineBy, type IsGenuine, isSealed } from '@heliograph/core/delivery/seal'
import { silence } from '@heliograph/core/delivery/silence'
import type { SlotPorts } from '@heliograph/core/delivery/slot'
import { revokeRegistrations } from '@heliograph/core/devices/unregister'
import type { Outcome } from '@heliograph/core/outcome'
import type { Registrations, TokenKeyRing } from '@heliograph/core/ports'
import { accept } from '@heliograph/core/send/accept'
import { readFeedback } from '@heliograph/core/send/feedback'
import type { ProviderRequest } from '@heliograph/core/send/provider-request'
import { type Rotation, rotate } from '@heliograph/core/token/rotate'
import { tokenTrust } from '@heliograph/core/trust/token-trust'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { PendingRules } from '@heliograph/protocol/pending-rule'
import { RECORD_TIMEOUT_SECONDS } from '@heliograph/protocol/retry'
import { connectHandler } from '../../lambdas/connect/handler.ts'
import { deliverHandler, type PutOff } from '../../lambdas/deliver/handler.ts'
import { expireHandler } from '../../lambdas/expire/handler.ts'
import { recordHandler } from '../../lambdas/record/handler.ts'
import { registerHandler } from '../../lambdas/register/handler.ts'
import { unregisterHandler } from '../../lambdas/unregister/handler.ts'
import type { Certificates } from './certificates.ts'
import { TRUST_CACHE_SECONDS } from './credentials.ts'
import { Expiry } from './expiry.ts'
import { Faults } from './faults.ts'
import { Iot } from './iot.ts'
import {
  type Cloud,
  type Environment,
  type FunctionOptions,
  LambdaFunction,
  whoActs,
} from './lambda.ts'
import { Ledger } from './ledger.ts'
import { OutcomeQueue } from './outcome-queue.ts'
import { ClaimStore, memoryClaims } from './ports/claims.ts'
import { DeviceStore, memoryDevices } from './ports/devices.ts'
import { FeedbackStore, memoryFeedback } from './ports/feedback.ts'
import { memoryPending, PendingStore, type SlotChange } from './ports/pending.ts'
import { memoryProviderKeys, ProviderKeyStore } from './ports/provider-keys.ts'
import { memoryProviders, ProviderStore } from './ports/providers.ts'
import { memoryQueue } from './ports/queue.ts'
import { memoryReceipts, ReceiptStore } from './ports/receipts.ts'
import { memoryRegistrations, RegistrationStore } from './ports/registrations.ts'
import {
  memoryRingOfEveryKey,
  memoryTokenKeyRing,
  memoryTokenKeyStore,
  TokenKeys,
} from './ports/token-keys.ts'
import { REGISTRATION_CACHE_SECONDS } from './provider.ts'
import { type Line, Queue } from './queue.ts'
import { random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import type { Settings } from './settings.ts'
import { Trace } from './trace.ts'
import { witnessed } from './witness.ts'

const START = Date.parse('2030-01-01T00:00:00Z')
/** As a stage on AWS has it. */
const PATIENCE_MS = 1_000
const DEFAULT_LIFETIME_SECONDS = 30 * 24 * 3600
/** Longer than any function believes its ring. */
const KEY_GRACE_MS = 10 * 60_000
/** Longer than any run. */
const RECEIPT_SECONDS = 400 * 24 * 3600
/** Seven times what the liveliest of 300 seeds keeps. More than this is a loop that never ends. */
const MOST_APPOINTMENTS_PER_NOTIFICATION = 2_000

/** The whole service over ports in memory, with everything it touches. */
export class World {
  readonly cloud: Cloud
  readonly faults: Faults
  readonly iot: Iot
  readonly queue: Queue
  readonly slotQueue: Queue
  readonly outcomes: OutcomeQueue
  readonly receipts = new ReceiptStore()
  readonly expiry: Expiry
  readonly pending: PendingStore
  readonly registrations: RegistrationStore
  readonly feedback = new FeedbackStore()
  readonly claims = new ClaimStore()
  readonly providers = new ProviderStore()
  readonly providerKeys = new ProviderKeyStore()
  readonly devices = new DeviceStore()
  readonly tokenKeys: TokenKeys
  readonly certificates: Certificates
  readonly pendingRules: PendingRules
  readonly #rings = new WeakMap<Environment, TokenKeyRing>()
  readonly functions: ReturnType<World['makeFunctions']>

  constructor(seed: number, settings: Settings, certificates: Certificates, traced: boolean) {
    const chance = random(seed + 1_000_000_007)
    const most = MOST_APPOINTMENTS_PER_NOTIFICATION * settings.notifications
    const scheduler = new Scheduler(START, most)
    const trace = new Trace(scheduler, traced)
    const { skew } = settings
    const ledger = new Ledger(scheduler, trace, skew)
    this.faults = new Faults(settings, chance)
    this.cloud = { scheduler, random: chance, faults: this.faults, ledger, trace, skew }
    this.certificates = certificates
    this.pendingRules = settings.pending
    this.pending = new PendingStore((change) => this.#onSlot(change))
    this.registrations = new RegistrationStore((registration) =>
      ledger.registrationChanged(registration),
    )
    this.tokenKeys = new TokenKeys((length) => chance.bytes(length))
    this.iot = new Iot(this.cloud, settings.broker)
    this.queue = this.#makeQueue('notifications', settings)
    this.slotQueue = this.#makeQueue('slots', settings)
    this.outcomes = new OutcomeQueue(this.cloud, settings.queue.duplicated)
    this.expiry = new Expiry(this.cloud, this.pending, settings.ttlDelay)
    for (const { record } of certificates.good) this.providers.issue(record)
    this.functions = this.makeFunctions()
    for (const { line } of [this.queue, this.slotQueue]) this.#feedDeliver(line, settings)
    this.expiry.consumeWith(this.functions.expire)
    this.outcomes.consumeWith(this.functions.record)
    this.iot.handTo(this.functions)
  }

  /** Every function with its handler, its time-out (lib/) and its ports. */
  makeFunctions() {
    return {
      accept: this.#function({
        name: 'accept',
        timeoutMs: 10_000,
        start: (environment) => {
          const ports = this.#acceptPorts(environment)
          return (request: ProviderRequest) => accept(request, ports)
        },
      }),
      deliver: this.#function({
        name: 'deliver',
        timeoutMs: 20_000,
        start: (environment) => this.#startDeliver(environment),
      }),
      connect: this.#function({
        name: 'connect',
        timeoutMs: 60_000,
        start: (environment) => connectHandler(this.#devicePorts(environment), silent),
      }),
      register: this.#function({
        name: 'register',
        timeoutMs: 15_000,
        start: (environment) => registerHandler(this.#devicePorts(environment), silent),
      }),
      unregister: this.#function({
        name: 'unregister',
        timeoutMs: 15_000,
        start: (environment) => {
          const ports = this.#devicePorts(environment)
          return flushing(unregisterHandler(ports, silent), ports.outcomes)
        },
      }),
      expire: this.#function({
        name: 'expire',
        timeoutMs: 30_000,
        start: (environment) => {
          const ports = this.#expirePorts(environment)
          return flushing(expireHandler(ports, silent), ports.outcomes)
        },
      }),
      record: this.#function({
        name: 'record',
        timeoutMs: RECORD_TIMEOUT_SECONDS * 1000,
        start: ({ access, clock }) =>
          recordHandler(memoryReceipts(this.receipts, access, clock, RECEIPT_SECONDS), silent),
      }),
      readFeedback: this.#function({
        name: 'feedback',
        timeoutMs: 10_000,
        start: (environment) => {
          const ports = { ...this.#trustPorts(environment), ...this.#slotPorts(environment) }
          return (request: ProviderRequest) => readFeedback(request, ports)
        },
      }),
      rotate: this.#function<void, Rotation>({
        name: 'rotate',
        timeoutMs: 30_000,
        start: ({ clock, ids, access }) => {
          const tokenKeys = memoryTokenKeyStore(this.tokenKeys, access)
          return () => rotate({ clock, ids, tokenKeys, graceMs: KEY_GRACE_MS })
        },
      }),
      revoke: this.#function<DeviceId, void>({
        name: 'revoke',
        timeoutMs: 600_000,
        start: (environment) => this.#startRevoke(environment),
      }),
    }
  }

  #makeQueue(line: Line, { queue: habits, concurrency }: Settings): Queue {
    return new Queue(this.cloud, { line, concurrency: concurrency[line], habits })
  }

  /** Lambda's pollers keep to a line's concurrency: what one line keeps busy is not taken from the other. */
  #feedDeliver(line: Line, { concurrency }: Settings): void {
    const { deliver } = this.functions
    const queue = line === 'slots' ? this.slotQueue : this.queue
    let working = 0
    queue.consumeWith({
      invoke: (event, done) => {
        working += 1
        if (working > concurrency[line])
          this.cloud.ledger.violate('lines', `${working} batches of ${line} are worked at once`)
        deliver.invoke(event, (result) => {
          working -= 1
          done(result)
        })
      },
    })
  }

  #function<Event, Answer>(options: FunctionOptions<Event, Answer>) {
    return new LambdaFunction(options, this.cloud)
  }

  #startDeliver(environment: Environment) {
    const { access, clock } = environment
    const ports = {
      ...this.#slotPorts(environment),
      registrations: this.#registrations(environment),
      claims: memoryClaims(this.claims, access, clock),
      queue: memoryQueue(this.slotQueue.enqueue, access),
      isGenuine: this.#isGenuine(environment),
      notifications: memoryQueue(this.queue.enqueue, access),
      deadLetters: memoryQueue(this.queue.giveUp, access),
      connections: this.#connections(environment),
      silence: silence(),
      patienceMs: PATIENCE_MS,
      // the queue's latency spreads them
      chance: () => 1,
    }
    const putOff: PutOff = ({ receiptHandle: handle, eventSourceARN: line }, seconds) =>
      access('queue.putOff', handle, () =>
        (line === 'slots' ? this.slotQueue : this.queue).putOff(handle, seconds),
      )
    return flushing(deliverHandler(ports, putOff, silent), ports.outcomes)
  }

  /** `heliograph device revoke`, after the device is marked, barred and disconnected. */
  #startRevoke(environment: Environment) {
    const ports = this.#devicePorts(environment)
    return flushing(async (deviceId: DeviceId) => {
      await revokeRegistrations(deviceId, environment.clock.now(), ports)
    }, ports.outcomes)
  }

  /** One ring for all that a function asks of it. */
  #ring(environment: Environment): TokenKeyRing {
    const { access, clock } = environment
    const ring = this.#rings.get(environment) ?? memoryTokenKeyRing(this.tokenKeys, access, clock)
    this.#rings.set(environment, ring)
    return ring
  }

  #isGenuine(environment: Environment): IsGenuine {
    return genuineBy(this.#ring(environment), environment.clock, 0)
  }

  #expirePorts(environment: Environment) {
    const { access, clock } = environment
    const ring = memoryRingOfEveryKey(this.tokenKeys, access, clock)
    return { ...this.#slotPorts(environment), isGenuine: genuineBy(ring, clock, 0) }
  }

  #slotPorts(
    environment: Environment,
  ): SlotPorts & Pick<Environment, 'ids'> & { readonly outcomes: OutcomeBatch } {
    const { access, clock, ids } = environment
    return {
      clock,
      ids,
      pending: memoryPending(this.pending, access, this.#isGenuine(environment)),
      feedback: memoryFeedback(this.feedback, access, clock, ids),
      outcomes: this.#outcomes(environment),
    }
  }

  #connections(environment: Environment) {
    return witnessed(this.iot.connectionsOf(environment), environment, this.cloud, (notification) =>
      isSealed(this.tokenKeys.live(), notification),
    )
  }

  #devicePorts(environment: Environment) {
    const { access } = environment
    return {
      ...this.#slotPorts(environment),
      connections: this.#connections(environment),
      registrations: this.#registrations(environment),
      devices: memoryDevices(this.devices, access),
      providers: memoryProviders(this.providers, access),
      providerKeys: memoryProviderKeys(this.providerKeys, access),
      ring: this.#ring(environment),
      queue: memoryQueue(this.slotQueue.enqueue, access),
      deadTokens: { record: () => {} },
    }
  }

  #trustPorts({ access, clock, ids }: Environment) {
    const { authority, cache } = this.certificates
    return {
      clock,
      ids,
      authorities: { find: async () => authority },
      certificates: cache,
      tokens: this.#tokens({ access, clock }),
      providers: cachedProviders(
        memoryProviders(this.providers, access),
        TRUST_CACHE_SECONDS,
        clock,
      ),
    }
  }

  #tokens({ access, clock }: Pick<Environment, 'access' | 'clock'>) {
    const keys = memoryProviderKeys(this.providerKeys, access)
    return tokenTrust({ clock, keys: cachedProviderKeys(keys, TRUST_CACHE_SECONDS, clock) })
  }

  #acceptPorts(environment: Environment) {
    const { access, clock } = environment
    return {
      ...this.#trustPorts(environment),
      ring: this.#ring(environment),
      registrations: cachedRegistrations(
        this.#registrations(environment),
        REGISTRATION_CACHE_SECONDS,
        clock,
      ),
      queue: memoryQueue(this.queue.enqueue, access),
      outcomes: this.#outcomes(environment),
      providerRate: { take: () => true },
      rate: { take: () => true },
      defaultLifetimeSeconds: DEFAULT_LIFETIME_SECONDS,
      pendingRules: this.pendingRules,
    }
  }

  #registrations({ access }: Environment): Registrations {
    return memoryRegistrations(this.registrations, access)
  }

  /** As `outcomeBatch` of aws/, whose patience is real time. */
  #outcomes(environment: Environment): OutcomeBatch {
    const waiting: Outcome[] = []
    const record = (outcome: Outcome) => {
      if (!environment.invocation || !environment.isAlive) return
      this.cloud.ledger.recorded(outcome, environment.invocation)
      waiting.push(outcome)
    }
    return {
      record,
      recordTogether: (outcomes) => {
        for (const outcome of outcomes) record(outcome)
      },
      // the invariants do not cover who hears of tokens
      deadTokens: { record: () => {} },
      flush: async () => {
        const outcomes = waiting.splice(0)
        if (outcomes.length === 0) return
        const send = () => this.outcomes.take(outcomes)
        await environment.access('outcomes.send', `${outcomes.length}`, send).catch(() => {})
      },
    }
  }

  #onSlot(change: SlotChange): void {
    this.cloud.ledger.slotChanged(change, whoActs(), this.tokenKeys.live())
    if (change.kind === 'kept') this.expiry.watch(change.notification)
  }
}

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} }
