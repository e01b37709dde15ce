import { cachedProviders, cachedRegistrations } from '../../aws/cached.ts'
import type { Log } from '../../aws/log.ts'
import { accept } from '../../core/accept.ts'
import type { SlotPorts } from '../../core/deliver.ts'
import { readFeedback } from '../../core/feedback.ts'
import type { DeviceId } from '../../core/identifiers.ts'
import type { Outcomes, Registrations } from '../../core/ports.ts'
import type { ProviderRequest } from '../../core/provider-request.ts'
import { register } from '../../core/register.ts'
import { type Rotation, rotate } from '../../core/rotate.ts'
import { revokeRegistrations, unregister } from '../../core/unregister.ts'
import { connectHandler } from '../../lambdas/connect/handler.ts'
import { deliverHandler } from '../../lambdas/deliver/handler.ts'
import { deviceHandler } from '../../lambdas/device.ts'
import { expireHandler } from '../../lambdas/expire/handler.ts'
import type { Certificates } from './certificates.ts'
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
import { ClaimStore, memoryClaims } from './ports/claims.ts'
import { DeviceStore, memoryDevices } from './ports/devices.ts'
import { FeedbackStore, memoryFeedback } from './ports/feedback.ts'
import { memoryPending, PendingStore, type SlotChange } from './ports/pending.ts'
import { memoryProviders, ProviderStore } from './ports/providers.ts'
import { memoryQueue } from './ports/queue.ts'
import { memoryRegistrations, RegistrationStore } from './ports/registrations.ts'
import { memoryTokenKeyRing, memoryTokenKeyStore, TokenKeys } from './ports/token-keys.ts'
import { REGISTRATION_CACHE_SECONDS, TRUST_CACHE_SECONDS } from './provider.ts'
import { Queue } from './queue.ts'
import { random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import type { Settings } from './settings.ts'
import { Trace } from './trace.ts'
import { witnessed } from './witness.ts'

const START = Date.parse('2030-01-01T00:00:00Z')
const DEFAULT_LIFETIME_SECONDS = 30 * 24 * 3600
/** Longer than any function believes its ring. */
const KEY_GRACE_MS = 10 * 60_000

/** The whole service over ports in memory, with everything it touches. */
export class World {
  readonly cloud: Cloud
  readonly faults: Faults
  readonly iot: Iot
  readonly queue: Queue
  readonly expiry: Expiry
  readonly pending: PendingStore
  readonly registrations: RegistrationStore
  readonly feedback = new FeedbackStore()
  readonly claims = new ClaimStore()
  readonly providers = new ProviderStore()
  readonly devices = new DeviceStore()
  readonly tokenKeys: TokenKeys
  readonly certificates: Certificates
  readonly functions: ReturnType<World['makeFunctions']>

  constructor(seed: number, settings: Settings, certificates: Certificates, traced: boolean) {
    const chance = random(seed + 1_000_000_007)
    const scheduler = new Scheduler(START)
    const trace = new Trace(scheduler, traced)
    const ledger = new Ledger(scheduler, trace)
    this.faults = new Faults(settings, chance)
    const { skew } = settings
    this.cloud = { scheduler, random: chance, faults: this.faults, ledger, trace, skew }
    this.certificates = certificates
    this.pending = new PendingStore((change) => this.#onSlot(change))
    this.registrations = new RegistrationStore((registration) =>
      ledger.registrationChanged(registration),
    )
    this.tokenKeys = new TokenKeys((length) => chance.bytes(length))
    this.iot = new Iot(this.cloud, settings.broker)
    this.queue = new Queue(this.cloud, settings.queue)
    this.expiry = new Expiry(this.cloud, this.pending, settings.ttlDelay)
    for (const { record } of certificates.good) this.providers.issue(record)
    this.functions = this.makeFunctions()
    this.queue.consumeWith(this.functions.deliver)
    this.expiry.consumeWith(this.functions.expire)
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
        start: (environment) => {
          const ports = this.#devicePorts(environment)
          return deviceHandler((request) => register(request, ports), silent)
        },
      }),
      unregister: this.#function({
        name: 'unregister',
        timeoutMs: 15_000,
        start: (environment) => {
          const ports = this.#devicePorts(environment)
          return deviceHandler((request) => unregister(request, ports), silent)
        },
      }),
      expire: this.#function({
        name: 'expire',
        timeoutMs: 30_000,
        start: (environment) => expireHandler(this.#slotPorts(environment), silent),
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

  #function<Event, Answer>(options: FunctionOptions<Event, Answer>) {
    return new LambdaFunction(options, this.cloud)
  }

  #startDeliver(environment: Environment) {
    const { access, clock } = environment
    const ports = {
      ...this.#slotPorts(environment),
      registrations: this.#registrations(environment),
      claims: memoryClaims(this.claims, access, clock),
      queue: memoryQueue(this.queue.enqueue, access),
    }
    const putOff = (handle: string, seconds: number) =>
      access('queue.putOff', handle, () => this.queue.putOff(handle, seconds))
    return deliverHandler(ports, putOff, silent)
  }

  /** `heliograph device revoke`, after the device is marked, barred and disconnected. */
  #startRevoke(environment: Environment) {
    const ports = this.#devicePorts(environment)
    return async (deviceId: DeviceId) => {
      await revokeRegistrations(deviceId, environment.clock.now(), ports)
    }
  }

  #slotPorts(environment: Environment): SlotPorts & Pick<Environment, 'ids'> {
    const { access, clock, ids } = environment
    return {
      clock,
      ids,
      connections: witnessed(this.iot.connectionsOf(environment), environment, this.cloud),
      pending: memoryPending(this.pending, access),
      feedback: memoryFeedback(this.feedback, access, clock, ids),
      outcomes: this.#outcomes(environment),
    }
  }

  #devicePorts(environment: Environment) {
    const { access, clock } = environment
    return {
      ...this.#slotPorts(environment),
      registrations: this.#registrations(environment),
      devices: memoryDevices(this.devices, access),
      providers: memoryProviders(this.providers, access),
      ring: memoryTokenKeyRing(this.tokenKeys, access, clock),
      queue: memoryQueue(this.queue.enqueue, access),
    }
  }

  #trustPorts({ access, clock, ids }: Environment) {
    const { authority, cache } = this.certificates
    return {
      clock,
      ids,
      authorities: { find: async () => authority },
      certificates: cache,
      providers: cachedProviders(
        memoryProviders(this.providers, access),
        TRUST_CACHE_SECONDS,
        clock,
      ),
    }
  }

  #acceptPorts(environment: Environment) {
    const { access, clock } = environment
    return {
      ...this.#trustPorts(environment),
      ring: memoryTokenKeyRing(this.tokenKeys, access, clock),
      registrations: cachedRegistrations(
        this.#registrations(environment),
        REGISTRATION_CACHE_SECONDS,
        clock,
      ),
      queue: memoryQueue(this.queue.enqueue, access),
      outcomes: this.#outcomes(environment),
      rate: { take: () => true },
      defaultLifetimeSeconds: DEFAULT_LIFETIME_SECONDS,
    }
  }

  #registrations({ access }: Environment): Registrations {
    return memoryRegistrations(this.registrations, access)
  }

  #outcomes(environment: Environment): Outcomes {
    return {
      record: (outcome) => {
        if (environment.invocation && environment.isAlive)
          this.cloud.ledger.recorded(outcome, environment.invocation)
      },
    }
  }

  #onSlot(change: SlotChange): void {
    this.cloud.ledger.slotChanged(change, whoActs())
    if (change.kind === 'kept') this.expiry.watch(change.notification)
  }
}

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} }
