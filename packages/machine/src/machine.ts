import type { IssuePorts } from '@heliograph/core/devices/activate'
import type { Presences } from '@heliograph/core/operator-ports'
import { rateLimit } from '@heliograph/core/rate-limit'
import type { Answer } from '@heliograph/core/send/answer'
import { tokenTrust } from '@heliograph/core/trust/token-trust'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import type { MachineError } from './failure.ts'
import { type Identity, renewIdentity, serverIdentity } from './identity.ts'
import { type Inside, openInside, type World } from './inside.ts'
import { faultFields, type Log, seldom } from './log.ts'
import { broadcasts } from './mqtt/broadcasts.ts'
import { ChannelHub } from './mqtt/channel-hub.ts'
import { type DeviceServer, startDeviceServer } from './mqtt/device-server.ts'
import { deviceLimits } from './mqtt/limits.ts'
import { Sessions } from './mqtt/sessions.ts'
import { removeUnfinishedBackups } from './operator/backup.ts'
import { serveOperator } from './operator-door.ts'
import type { DeadLetters } from './pipeline/dead-letters.ts'
import { startExpiry } from './pipeline/expiry.ts'
import { activationApi, activationEdge } from './server/activation-api.ts'
import type { Exchanges } from './server/exchange.ts'
import { type Front, startFront } from './server/front.ts'
import { serverLimits } from './server/limits.ts'
import { startOperations } from './server/operations.ts'
import { providerApi, providerEdge } from './server/provider-api.ts'
import { startNoting } from './store/ascending.ts'
import { activationPace, deviceRegistry, openStore, type Store } from './store/store.ts'
import { rotateWhenDue } from './trust/rotation.ts'
import { openTrust } from './trust/trust.ts'
import { vaultUnder } from './trust/vault.ts'
import { upstreamWork } from './upstream.ts'
import { systemClock, systemIds } from './world.ts'

export { diskFault, MachineError } from './failure.ts'

export interface MachineOptions extends Pick<World, 'folder' | 'settings'> {
  /** The owner's key, 32 bytes, under which the secrets in the folder are encrypted. */
  readonly key: Uint8Array
  /** Where the key came from, for the doctor. */
  readonly keySource?: string
  readonly log: Log
  readonly clock?: World['clock']
  readonly ids?: World['ids']
}

/** The service in this process. */
export interface Machine {
  readonly store: Store
  /** Who is connected. */
  readonly presences: Presences
  readonly deadLetters: DeadLetters
  readonly ports: Readonly<
    Record<'provider' | 'activation' | 'devices' | 'metrics' | 'channels', number>
  >
  /** PEM: what clients check the servers' certificates against. */
  readonly serverAuthority: string
  /** What is wrong with the service, as a sentence; undefined when nothing is. */
  problem(): string | undefined
  /** Resolves if the service can only continue in another process; the message says what to do. */
  readonly broken: Promise<MachineError>
  /** Stops accepting, finishes what is in progress, and closes the store. */
  close(): Promise<void>
}

/** How long a stop waits for notifications and requests that are under way, milliseconds. */
const DRAIN_MS = 5_000

/** Undone in the opposite order: at the end, or when a start fails half-way. */
type Steps = (() => unknown)[]

/**
 * Opens the state folder, resumes what an earlier process had accepted, and serves.
 *
 * @throws MachineError if that is impossible; its message says what to do.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const world = { clock: systemClock, ids: systemIds(), ...options }
  const steps: Steps = []
  const undo = () => undoAll(steps)
  try {
    return { ...(await start(world, options, steps)), close: undo }
  } catch (fault) {
    // the reason is why it started, not its result
    await undo().catch(() => {})
    throw fault
  }
}

/** Runs every step, even if others fail: on a full disk, the journal is still closed. */
async function undoAll(steps: Steps): Promise<void> {
  const faults: unknown[] = []
  for (const step of steps.splice(0).reverse()) {
    try {
      await step()
    } catch (fault) {
      faults.push(fault)
    }
  }
  if (faults.length > 0) throw faults[0]
}

async function start(
  given: World,
  { key, keySource = 'unknown' }: MachineOptions,
  steps: Steps,
): Promise<Omit<Machine, 'close'>> {
  const { folder, clock } = given
  const store = await openStore({ folder, key, clock, ids: given.ids })
  const { ids } = store
  const world = { ...given, ids }
  steps.push(() => store.close())
  await removeUnfinishedBackups(folder)
  const { authorities, tokenKeys } = store
  const { stage } = world.settings
  const trust = await openTrust({ clock, ids, authorities, tokenKeys, stage })
  const { environment } = store
  const place = { environment, clock, ids, vault: vaultUnder(key) }
  const identity = await serverIdentity(world.settings, place)
  const sessions = new Sessions(channelHub(store, clock))
  const inside = await openInside(world, { store, trust, sessions })
  steps.push(() => inside.journal.close())
  steps.push(() => inside.outcomes.flush())
  steps.push(startClocks(world, inside))
  const devices = await serveDevices(world, inside, identity)
  // devices stay connected until they have acknowledged
  steps.push(async () => {
    await Promise.all([inside.pipeline.idle(DRAIN_MS), sessions.channels.idle(DRAIN_MS)])
    inside.pipeline.stop()
    await devices.close()
  })
  const operations = await serveOperations(world, inside)
  steps.push(() => operations.close())
  const activation = await serveActivation(world, inside, { identity, devicePort: devices.port })
  steps.push(() => activation.close(DRAIN_MS))
  const [provider, channels] = await serveProviders(world, inside, identity, steps)
  const servers = [devices, activation, provider, channels]
  const identities = renewIdentity(world.settings, place, { servers, log: world.log })
  steps.push(identities.stop)
  const ports = {
    provider: provider.port,
    activation: activation.port,
    devices: devices.port,
    metrics: operations.port,
    channels: channels.port,
  }
  const { deadLetters } = inside
  const presences = presencesOf(sessions)
  const disconnect = disconnectorOf(sessions)
  const serverAuthority = identity.authority
  const operator = await serveOperator(world, inside, {
    ...{ keySource, presences, disconnect, serverAuthority, ports },
    async trustAnew() {
      inside.certificates.clear()
      await identities.renew()
    },
  })
  steps.push(() => operator.close())
  return {
    ...{ store, presences, deadLetters, ports, serverAuthority },
    problem: () => inside.problem(),
    broken: environment.broken,
  }
}

function channelHub({ retained }: Store, clock: World['clock']): ChannelHub {
  return new ChannelHub({
    limits: deviceLimits,
    now: () => clock.now(),
    retained(channelId) {
      const found = retained.find(channelId, clock.now())
      return found && { payload: Buffer.from(found.message), expiresAt: found.expiresAt }
    },
  })
}

/** How often the age of the primary token key is looked at, milliseconds. */
const ROTATION_LOOK_MS = 3_600_000

/** What happens by the clock; returns what stops it. */
function startClocks({ clock, ids, log }: World, { store, outcomes, move }: Inside): () => void {
  const { pending: slots, feedback, tokenKeys } = store
  const stopExpiry = startExpiry({
    ...{ slots, log, ports: { clock, feedback, outcomes } },
    sweep: (now, limit) => store.sweep(now, limit),
  })
  // the place that has the export would not know the new key
  const rotate = async () =>
    !move.isClosed &&
    rotateWhenDue({ clock, ids, tokenKeys }).then(
      (rotation) => rotation && log.info('token keys rotated', { ...rotation }),
      (fault: unknown) => log.error('the token keys cannot be rotated', faultFields(fault)),
    )
  void rotate()
  const rotation = setInterval(rotate, ROTATION_LOOK_MS)
  const stopNoting = startNoting(store.ids, (fault) =>
    log.error('the time of the latest notification cannot be noted', faultFields(fault)),
  )
  return () => {
    stopExpiry()
    move.stop()
    stopNoting()
    clearInterval(rotation)
  }
}

async function serveDevices(
  world: World,
  inside: Inside,
  { tls }: Identity,
): Promise<DeviceServer> {
  const { settings, log, clock } = world
  const { store, sessions, pipeline, ring, outcomes } = inside
  const ports = {
    ...issuePorts(world, inside),
    ...{ connections: sessions, queue: pipeline, ring, outcomes },
    ...{ providers: store.providers, providerKeys: store.providerKeys },
    ...{ registrations: store.registrations, feedback: store.feedback },
    pending: inside.pending,
    deadTokens: inside.events.deadTokens,
  }
  return startDeviceServer({
    listen: { host: settings.address, port: settings.devicePort },
    ...{
      tls,
      sessions,
      log,
      authorities: () => store.authorities.trusted('device'),
      stage: settings.stage,
    },
    admissions: store.devices,
    limits: { ...deviceLimits, connections: settings.mostDevices },
    now: () => clock.now(),
    work: upstreamWork(ports, inside.move, log),
  })
}

function issuePorts(
  { clock, ids, settings }: World,
  { store, sessions, trust }: Inside,
): IssuePorts {
  return {
    ...{ clock, ids, authorities: store.authorities, devices: store.devices },
    signingKey: trust.device.key,
    registry: deviceRegistry(store.environment, disconnectorOf(sessions)),
    certificateDays: settings.deviceCertificateDays,
  }
}

/**
 * The share of all activation requests that one network may make, so that it cannot lock out
 * others.
 */
const NETWORK_SHARE = 0.25

async function serveActivation(
  world: World,
  inside: Inside,
  { identity, devicePort }: { readonly identity: Identity; readonly devicePort: number },
): Promise<Front> {
  const { settings, log } = world
  const { activations } = inside.store
  const pace = activationPace(settings.activationsPerSecond)
  const answer = activationApi({
    ports: { ...issuePorts(world, inside), activations, pace },
    mqtt: { host: settings.host, port: devicePort, ca: identity.authority },
    stage: settings.stage,
    perSecond: {
      ofNetwork: Math.ceil(settings.activationRequestsPerSecond * NETWORK_SHARE),
      all: settings.activationRequestsPerSecond,
    },
    log,
    gate: inside.move.gate,
  })
  return startFront({
    name: 'activation',
    listen: { host: settings.address, port: settings.activationPort },
    ...{ tls: identity.tls, log },
    exchanges: exchangesOf('activation', world, inside, { answer, edge: activationEdge }),
  })
}

/** One API on two ports: Apple's clients expect the management of channels on one of its own. */
async function serveProviders(
  world: World,
  inside: Inside,
  { tls }: Identity,
  steps: Steps,
): Promise<readonly [provider: Front, channels: Front]> {
  const { settings, log, clock, ids } = world
  const { store, ring, outcomes, pipeline, certificates, sessions } = inside
  const credentials = {
    ...{ clock, ids, authorities: store.authorities, providers: store.providers, certificates },
    // read from memory for every request: a revoked credential is refused at once
    tokens: tokenTrust({ clock, keys: store.providerKeys }),
  }
  const answer = providerApi(
    {
      ...credentials,
      providerRate: rateLimit(settings.providerRatePerSecond),
      ...{ ring, outcomes, queue: pipeline, receipts: store.receipts, feedback: store.feedback },
      registrations: store.registrations,
      rate: rateLimit(settings.tokenRatePerSecond),
      defaultLifetimeSeconds: settings.defaultLifetimeSeconds,
      pendingRules: settings.pending,
    },
    {
      ...credentials,
      providerRate: rateLimit(settings.channelRatePerSecond),
      ...{ channels: store.channels, broadcasts: broadcasts(sessions.channels, store.retained) },
      outcomes: inside.broadcasts,
    },
    inside.move,
  )
  const edge = providerEdge(() => ids.uuid())
  const shared = {
    ...{ tls, log, authorities: () => store.authorities.trusted('provider') },
    exchanges: exchangesOf('provider', world, inside, { answer, edge }),
  }
  const fronts: Front[] = []
  steps.push(() => Promise.all(fronts.map((front) => front.close(DRAIN_MS))))
  const open = async (name: string, port: number) => {
    const front = await startFront({ ...shared, name, listen: { host: settings.address, port } })
    fronts.push(front)
    return front
  }
  const provider = await open('providers', settings.providerPort)
  return [provider, await open('channels', settings.channelPort)]
}

function exchangesOf(
  api: 'provider' | 'activation',
  { settings, log }: World,
  { metrics }: Inside,
  parts: Pick<Exchanges, 'answer' | 'edge'>,
): Exchanges {
  const refused = seldom((detail, count) =>
    log.info('requests were refused', { api, count, last: detail }),
  )
  return {
    ...parts,
    limits: { ...serverLimits, connections: settings.mostProviderConnections },
    ...{ held: 0, open: 0, ofNewcomers: 0 },
    refused: (_head, answer) => refused(refusalText(answer)),
    failed: (fault) => log.error('a request failed', { api, ...faultFields(fault) }),
    answered: (status, tookMs) => metrics.answered(api, status, tookMs),
  }
}

/**
 * Status, reason and detail; they contain nothing that the requester sent, except what a header may
 * quote.
 */
function refusalText({ status, headers, body }: Answer): string {
  return [status, body, headers['heliograph-detail']].filter(Boolean).join(' ')
}

function serveOperations({ settings }: World, inside: Inside) {
  return startOperations({
    listen: { host: settings.metricsAddress, port: settings.metricsPort },
    metrics: () => inside.metrics.text(),
    problem: () => inside.problem(),
  })
}

/** Ends the connection that a device has made with this certificate. */
const disconnectorOf = (sessions: Sessions) => (deviceId: DeviceId, certificateId: string) => {
  const session = sessions.find(deviceId)
  if (session?.facts.certificateId === certificateId) sessions.close(deviceId, 'notAuthorized')
}

function presencesOf(sessions: Sessions): Presences {
  return {
    async find(deviceId) {
      const session = sessions.find(deviceId)
      // one process has all connections: a device without one here has none
      return session ? { connected: true, since: session.facts.connectedAt } : { connected: false }
    },
    close: async (deviceId) => sessions.close(deviceId, 'notAuthorized'),
  }
}
