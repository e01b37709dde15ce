import type { DeviceRecords } from '@heliograph/core/operator-ports'
import type { Clock } from '@heliograph/core/ports'
import type { DeviceId } from '@heliograph/protocol/identifiers'
import { MAX_BROKER_CA_CHARACTERS, MAX_HOST_CHARACTERS } from '@heliograph/protocol/limits'
import type { DownMessage } from '@heliograph/protocol/messages'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import { MachineError } from '../failure.ts'
import { Gate } from '../gate.ts'
import { faultFields, type Log } from '../log.ts'
import type { Sessions } from '../mqtt/sessions.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { MoveState, Moves, Place } from '../store/moves.ts'

export interface MachineMoveParts {
  readonly clock: Clock
  readonly log: Log
  readonly moves: Moves
  readonly devices: Pick<DeviceRecords, 'list'>
  readonly sessions: Sessions
  readonly pipeline: Pick<Pipeline, 'shut' | 'reopen'>
  readonly deadLetters: { count(): number }
}

/** How far the machine and its devices are. Times are milliseconds since the epoch. */
export interface MoveProgress {
  readonly state: MoveState['is'] | 'serving'
  readonly closedAt?: number
  readonly announcedAt?: number
  readonly to?: Pick<Place, 'host' | 'port'>
  /** Devices on record that are not revoked. */
  readonly devices: number
  readonly connected: number
  readonly told: number
  /** Told, and not connected here any more. */
  readonly followed: number
  /** Some of those that have not followed. */
  readonly waiting: readonly DeviceId[]
}

/** How long what is under way has to come to its end before the machine opens again, milliseconds. */
const CLOSE_MS = 30_000
const TELL_EVERY_MS = 1_000
const ALL_DEVICES = 10_000_000
const MOST_NAMED = 1_000

/**
 * The way of a machine to another place. Once it is closed, nothing changes what an export holds: providers are
 * told to send elsewhere or later, devices' changes are not taken, and no notification is sent.
 */
export class MachineMove {
  readonly #parts: MachineMoveParts
  /** For what devices ask and activations change. */
  readonly gate = new Gate()
  readonly #told: Set<DeviceId>
  #state: MoveState | undefined
  #closing: Promise<void> | undefined
  #telling: NodeJS.Timeout | undefined

  /** Takes up where an earlier process was. */
  constructor(parts: MachineMoveParts) {
    this.#parts = parts
    this.#state = parts.moves.state()
    this.#told = new Set(parts.moves.told())
    // nothing is under way yet
    if (this.isClosed) void Promise.all([parts.pipeline.shut(0), this.gate.shut(0)])
  }

  /** Whether the machine takes nothing more, or is about to. */
  get isClosed(): boolean {
    return this.#closing !== undefined || isClosed(this.#state)
  }

  /**
   * Stops accepting, and resolves once everything that was accepted has been delivered or is in its
   * slot.
   *
   * @throws MachineError if that fails; the machine then continues to run.
   */
  close(): Promise<void> {
    if (isClosed(this.#state)) return Promise.resolve()
    this.#closing ??= this.#close().finally(() => {
      this.#closing = undefined
    })
    return this.#closing
  }

  /** Tells every device, now or when it connects, `perSecond` of those that are connected. */
  async announce(place: Place, perSecond: number): Promise<void> {
    const state = this.#state
    if (!isClosed(state))
      throw new MachineError(
        'this machine still takes notifications, which devices that go would miss: export with --final and import first',
      )
    demandPlace(place)
    const { closedAt } = state
    await this.#save({
      ...{ is: 'announced', closedAt, place },
      announcedAt: this.#parts.clock.now(),
    })
    this.#parts.log.info('devices are told where to go', { host: place.host, port: place.port })
    this.#tellInTurn(perSecond)
  }

  /**
   * Runs again; every device reconnects, and those that were told of a new place are told to stay.
   */
  async withdraw(): Promise<void> {
    if (!isClosed(this.#state)) throw new MachineError('this machine serves: nothing to cancel')
    clearInterval(this.#telling)
    await this.#save({ is: 'withdrawn', withdrawnAt: this.#parts.clock.now() })
    this.#open()
    const { sessions, log } = this.#parts
    log.info('the machine serves again')
    for (const { facts } of [...sessions.all()]) sessions.close(facts.deviceId, 'shuttingDown')
  }

  /** To be called after a device has been answered: tells it where to go, or to stay. */
  async greet(deviceId: DeviceId): Promise<void> {
    if (this.#state?.is === 'announced') {
      if (await this.#tell(deviceId, { mqtt: this.#state.place })) await this.#note([deviceId])
    } else if (this.#state?.is === 'withdrawn') await this.#tell(deviceId, {})
  }

  async progress(): Promise<MoveProgress> {
    const { devices } = await this.#parts.devices.list(ALL_DEVICES)
    const live = devices.filter(({ revokedAt }) => revokedAt === undefined)
    const hasFollowed = ({ deviceId }: { readonly deviceId: DeviceId }) =>
      this.#told.has(deviceId) && !this.#parts.sessions.find(deviceId)
    const waiting = live.filter((one) => !hasFollowed(one)).map(({ deviceId }) => deviceId)
    return {
      ...factsOf(this.#state),
      devices: live.length,
      connected: this.#parts.sessions.count,
      told: this.#told.size,
      followed: live.length - waiting.length,
      waiting: waiting.slice(0, MOST_NAMED),
    }
  }

  stop(): void {
    clearInterval(this.#telling)
  }

  async #close(): Promise<void> {
    const { pipeline, clock, log } = this.#parts
    this.#demandNoDeadLetters()
    const ended = await Promise.all([pipeline.shut(CLOSE_MS), this.gate.shut(CLOSE_MS)])
    try {
      if (ended.includes(false))
        throw new MachineError(
          `what was under way has not come to its end within ${CLOSE_MS / 1_000} s: the machine serves on; look at its log, and try again`,
        )
      this.#demandNoDeadLetters()
      await this.#save({ is: 'closed', closedAt: clock.now() })
    } catch (fault) {
      this.#open()
      throw fault
    }
    log.info('the machine takes nothing more: it is on its way to another place')
  }

  #demandNoDeadLetters(): void {
    const letters = this.#parts.deadLetters.count()
    if (letters > 0)
      throw new MachineError(
        `there are ${letters} dead letters, which no export holds: heliograph dlq redrive notifications, or dlq drop, first`,
      )
  }

  #open(): void {
    this.#parts.pipeline.reopen()
    this.gate.open()
  }

  async #save(state: MoveState): Promise<void> {
    await this.#parts.moves.save(state)
    this.#state = state
    this.#told.clear()
  }

  /** All at once would come to the new place at once. */
  #tellInTurn(perSecond: number): void {
    clearInterval(this.#telling)
    const tellSome = () => {
      const all = [...this.#parts.sessions.all()].map(({ facts }) => facts.deviceId)
      const some = all.filter((deviceId) => !this.#told.has(deviceId)).slice(0, perSecond)
      this.#tellAll(some).catch((fault: unknown) =>
        this.#parts.log.error('devices cannot be told where to go', faultFields(fault)),
      )
    }
    tellSome()
    this.#telling = setInterval(tellSome, TELL_EVERY_MS)
    this.#telling.unref()
  }

  async #tellAll(deviceIds: readonly DeviceId[]): Promise<void> {
    if (this.#state?.is !== 'announced') return
    const { place } = this.#state
    const told: DeviceId[] = []
    for (const deviceId of deviceIds)
      if (await this.#tell(deviceId, { mqtt: place })) told.push(deviceId)
    await this.#note(told)
  }

  async #tell(deviceId: DeviceId, message: DownMessage<'move'>): Promise<boolean> {
    const { sessions } = this.#parts
    return (await sessions.tell(deviceId, downTopics.move, JSON.stringify(message))) === 'told'
  }

  async #note(told: readonly DeviceId[]): Promise<void> {
    const fresh = told.filter((deviceId) => !this.#told.has(deviceId))
    if (fresh.length === 0) return
    for (const deviceId of fresh) this.#told.add(deviceId)
    await this.#parts.moves.noteTold(fresh, this.#parts.clock.now())
  }
}

function isClosed(
  state: MoveState | undefined,
): state is Extract<MoveState, { readonly closedAt: number }> {
  return state !== undefined && 'closedAt' in state
}

function factsOf(
  state: MoveState | undefined,
): Pick<MoveProgress, 'state' | 'closedAt' | 'announcedAt' | 'to'> {
  if (!state) return { state: 'serving' }
  if (state.is === 'withdrawn') return { state: 'withdrawn' }
  const { closedAt } = state
  if (state.is === 'closed') return { state: 'closed', closedAt }
  const { announcedAt, place } = state
  return { state: 'announced', closedAt, announcedAt, to: { host: place.host, port: place.port } }
}

/** What a device would not follow is not sent to any. */
function demandPlace({ host, port, ca }: Place): void {
  const isPlace = /^[A-Za-z0-9._:-]+$/.test(host) && host.length <= MAX_HOST_CHARACTERS
  if (!isPlace || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new MachineError(`${host}:${port} is not a place that a device can go to`)
  if (ca.length > MAX_BROKER_CA_CHARACTERS)
    throw new MachineError(
      `the CA certificates have more than ${MAX_BROKER_CA_CHARACTERS} characters: leave out those that the new place does not need`,
    )
}
