import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { channelTopic } from '@heliograph/protocol/mqtt-topic'
import { within } from '../within.ts'
import type { DeviceLimits } from './limits.ts'
import type { Session } from './session.ts'

/** A message of a channel, as its members get it. */
export interface ChannelMessage {
  readonly payload: Buffer
  /** When it may no longer be delivered, seconds since the epoch; 0: it has no end. */
  readonly expiresAt: number
}

export interface ChannelHubOptions {
  readonly limits: Pick<
    DeviceLimits,
    'channels' | 'channelMessages' | 'channelBytes' | 'channelPatienceMs'
  >
  readonly now: () => number
  /** The retained message of a channel, unless it has expired. */
  readonly retained: (channelId: ChannelId) => ChannelMessage | undefined
}

/** What a device asks for. */
export interface Subscription {
  readonly qos: 0 | 1
  /** When the retained message is wanted [MQTT 5, 3.8.3.1]: always, if the subscription is new, or never. */
  readonly retained: 'always' | 'if new' | 'never'
}

/** What a member has yet to get: the retained message, or the newest that was published since it joined. */
type Missing = 'retained' | 'newest'

interface Member {
  readonly channel: Channel
  readonly session: Session
  qos: 0 | 1
  missing: Missing | undefined
}

interface Channel {
  readonly id: ChannelId
  readonly members: Set<Member>
  /** What is being sent to all members, and then what waits for that. */
  readonly sends: Send[]
  /** Kept while a member misses it. */
  newest: ChannelMessage | undefined
  /** How many members miss it. */
  missing: number
}

interface Send {
  readonly message: ChannelMessage
  /** Those who were members when it began; undefined before. */
  members: readonly Member[] | undefined
  done: number
}

/** The channels of one connection. */
interface Joined {
  readonly members: Map<Channel, Member>
  /** Messages of channels that it has yet to acknowledge. */
  owed: number
}

/** Members that are sent to before others get their turn: a millisecond or two. */
const MEMBERS_A_TURN = 50

/** Publishes of one channel, and of all, that wait for their turn; beyond either nothing more is taken. */
const MOST_SENDS = 16
const MOST_SENDS_OF_ALL = 1_000

/**
 * Who has joined which channel, and what is sent to them. A member that takes messages more slowly than they come misses all
 * but the newest, so that it costs a mark and no memory, and holds up nobody.
 */
export class ChannelHub {
  readonly #options: ChannelHubOptions
  readonly #channels = new Map<ChannelId, Channel>()
  readonly #joined = new Map<Session, Joined>()
  /** Channels that have something to send, in the order of their turns. */
  readonly #sending: Channel[] = []
  #sends = 0
  #isSending = false
  #owed = 0
  #subscriptions = 0
  readonly #behind = new Set<Session>()

  constructor(options: ChannelHubOptions) {
    this.#options = options
  }

  /** Over all connections. */
  get subscriptions(): number {
    return this.#subscriptions
  }

  /** Publishes that have not been sent to all members. */
  get waiting(): number {
    return this.#sends
  }

  /**
   * From now on the connection gets what is published; false if it has as many channels as it may. The retained message
   * comes with the next `catchUp`.
   */
  join(session: Session, channelId: ChannelId, { qos, retained }: Subscription): boolean {
    const joined = this.#joined.get(session) ?? { members: new Map(), owed: 0 }
    const known = this.#channels.get(channelId)
    const old = known && joined.members.get(known)
    if (!old && joined.members.size >= this.#options.limits.channels) return false
    this.#joined.set(session, joined)
    const member = old ?? this.#add(joined, session, channelId)
    member.qos = qos
    const wantsRetained = retained === 'always' || (retained === 'if new' && !old)
    // what is newer than the retained message is on its way already
    if (wantsRetained && !member.missing) this.#miss(member, 'retained')
    return true
  }

  /** False if the connection had not joined. */
  leave(session: Session, channelId: ChannelId): boolean {
    const channel = this.#channels.get(channelId)
    const member = channel && this.#joined.get(session)?.members.get(channel)
    if (!member) return false
    this.#remove(member)
    return true
  }

  /** To be called when nothing more is to be sent to the connection. */
  forget(session: Session): void {
    const joined = this.#joined.get(session)
    if (!joined) return
    for (const member of [...joined.members.values()]) this.#remove(member)
    this.#behind.delete(session)
    session.settled = undefined
    this.#joined.delete(session)
  }

  /** Whether one more publish can be taken. */
  hasRoom(channelId: ChannelId): boolean {
    const waiting = this.#channels.get(channelId)?.sends.length ?? 0
    return waiting < MOST_SENDS && this.#sends < MOST_SENDS_OF_ALL
  }

  /** Sends to every member, a few at a time; returns at once. */
  publish(channelId: ChannelId, message: ChannelMessage): void {
    const channel = this.#channels.get(channelId)
    if (!channel) return
    channel.sends.push({ message, members: undefined, done: 0 })
    this.#sends += 1
    if (!this.#sending.includes(channel)) this.#sending.push(channel)
    if (!this.#isSending) void this.#sendAll()
  }

  /** Nothing that was published before is sent any more. */
  clear(channelId: ChannelId): void {
    const channel = this.#channels.get(channelId)
    if (!channel) return
    this.#sends -= channel.sends.splice(0).length
    for (const member of channel.members) this.#found(member)
    this.#forgetIfUnused(channel)
  }

  /** Sends what the connection misses, as far as it takes it. */
  catchUp(session: Session): void {
    if (!this.#behind.has(session)) return
    let isBehind = false
    for (const member of this.#joined.get(session)?.members.values() ?? []) {
      if (!member.missing) continue
      if (this.#hasRoomFor(member)) this.#sendMissing(member, member.missing)
      else isBehind = true
    }
    if (isBehind) return
    this.#behind.delete(session)
    session.settled = undefined
  }

  /** To be called now and then: room may have come without an acknowledgement. */
  catchUpAll(): void {
    for (const session of [...this.#behind]) this.catchUp(session)
  }

  /** Resolves when all has been sent and acknowledged, after `ms` at the latest. */
  async idle(ms: number): Promise<void> {
    await within(ms, () => this.waiting === 0 && this.#owed === 0)
  }

  #add({ members }: Joined, session: Session, id: ChannelId): Member {
    const channel = this.#channels.get(id) ?? newChannel(id)
    const member: Member = { channel, session, qos: 1, missing: undefined }
    this.#channels.set(id, channel)
    channel.members.add(member)
    members.set(channel, member)
    this.#subscriptions += 1
    return member
  }

  #remove(member: Member): void {
    const { channel, session } = member
    this.#found(member)
    channel.members.delete(member)
    this.#joined.get(session)?.members.delete(channel)
    this.#subscriptions -= 1
    this.#forgetIfUnused(channel)
  }

  #forgetIfUnused({ id, members, sends }: Channel): void {
    if (members.size === 0 && sends.length === 0) this.#channels.delete(id)
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true
    for (let channel = this.#sending.shift(); channel; channel = this.#sending.shift()) {
      if (this.#sendSome(channel)) this.#sending.push(channel)
      await nextTurn()
    }
    this.#isSending = false
  }

  /** Whether the channel has more to send. */
  #sendSome(channel: Channel): boolean {
    const [send] = channel.sends
    if (!send) return false
    send.members ??= [...channel.members]
    for (const member of send.members.slice(send.done, send.done + MEMBERS_A_TURN))
      if (channel.members.has(member)) this.#offer(member, send.message)
    send.done += MEMBERS_A_TURN
    if (send.done < send.members.length) return true
    channel.sends.shift()
    this.#sends -= 1
    this.#forgetIfUnused(channel)
    return channel.sends.length > 0
  }

  #offer(member: Member, message: ChannelMessage): void {
    // one after the other: what it misses is older
    const isNext = member.qos === 0 || !member.missing
    if (isNext && this.#hasRoomFor(member)) this.#deliver(member, message, false)
    else {
      member.channel.newest = message
      this.#miss(member, 'newest')
    }
  }

  #hasRoomFor({ session, qos }: Member): boolean {
    const { channelMessages, channelBytes } = this.#options.limits
    // with QoS 0 there is nothing to wait for: what it cannot take now, it does not get
    if (qos === 0) return true
    // its own notifications must not wait for those of its channels
    const most = Math.min(channelMessages, Math.max(1, session.window >> 1))
    const owed = this.#joined.get(session)?.owed ?? 0
    return owed < most && session.hasRoom(channelBytes)
  }

  #sendMissing(member: Member, missing: Missing): void {
    const { channel } = member
    const message = missing === 'newest' ? channel.newest : this.#options.retained(channel.id)
    this.#found(member)
    if (message) this.#deliver(member, message, missing === 'retained')
  }

  #deliver({ channel, session, qos }: Member, message: ChannelMessage, isRetained: boolean): void {
    const { payload, expiresAt } = message
    if (expiresAt > 0 && this.#options.now() >= expiresAt * 1_000) return
    const topic = Buffer.from(channelTopic(channel.id))
    if (qos === 0) {
      if (session.hasRoom(this.#options.limits.channelBytes))
        session.tell(topic, payload, isRetained)
      return
    }
    const joined = this.#joined.get(session)
    if (!joined) return
    const { channelPatienceMs } = this.#options.limits
    joined.owed += 1
    this.#owed += 1
    void session.send(topic, payload, channelPatienceMs, isRetained).then(() => {
      joined.owed -= 1
      this.#owed -= 1
      this.catchUp(session)
    })
  }

  #miss(member: Member, missing: Missing): void {
    const { channel, session } = member
    if (member.missing !== 'newest' && missing === 'newest') channel.missing += 1
    member.missing = missing
    this.#behind.add(session)
    session.settled ??= () => this.catchUp(session)
  }

  /** It no longer misses anything of the channel. */
  #found(member: Member): void {
    const { channel } = member
    if (member.missing === 'newest') channel.missing -= 1
    if (channel.missing === 0) channel.newest = undefined
    member.missing = undefined
  }
}

function newChannel(id: ChannelId): Channel {
  return { id, members: new Set(), sends: [], newest: undefined, missing: 0 }
}
