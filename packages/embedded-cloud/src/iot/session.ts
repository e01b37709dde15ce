import { type AedesClient, takeMessageId } from './aedes-client.ts'
import type { Authority, Principal } from './authority.ts'
import { Allowance, limits } from './limits.ts'

/** Source: https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html */
export type DisconnectReason =
  | 'AUTH_ERROR'
  | 'CLIENT_INITIATED_DISCONNECT'
  | 'CLIENT_ERROR'
  | 'CONNECTION_LOST'
  | 'DUPLICATE_CLIENTID'
  | 'FORBIDDEN_ACCESS'
  | 'MQTT_KEEP_ALIVE_TIMEOUT'
  | 'SERVER_INITIATED_DISCONNECT'
  | 'API_INITIATED_DISCONNECT'

/** How a message that asked for an acknowledgement ended. */
export type Acknowledgement = 'acknowledged' | 'timed-out' | 'disconnected'

/** What is remembered of a connection when its socket is gone. */
export interface SessionFacts {
  /** AWS's session identifier. */
  readonly id: string
  readonly clientId: string
  readonly principal: Principal
  /** False for a persistent session. */
  readonly clean: boolean
  readonly keepAliveSeconds: number
  readonly addresses: SocketAddresses
}

/** One MQTT connection of a device. */
export class Session {
  readonly client: AedesClient
  readonly facts: SessionFacts
  /** What messages in and out count against. */
  readonly allowance: Allowance
  /** What its subscriptions count against. */
  readonly subscribing = new Allowance(limits.subscriptionsPerSecond)
  /** The topic filters that it has. */
  readonly filters = new Set<string>()
  /** Why it will end, once that has been decided. */
  endReason: DisconnectReason | undefined
  readonly #unacknowledged = new Map<number, (how: Acknowledgement) => void>()
  readonly #decisions = new Map<string, boolean>()
  #decidedAt = -1

  constructor(client: AedesClient, facts: SessionFacts, messagesPerSecond: number) {
    this.client = client
    this.facts = facts
    this.allowance = new Allowance(messagesPerSecond)
  }

  get clientId(): string {
    return this.facts.clientId
  }

  /** What the policies say, remembered until a policy or the registry changes. */
  permits(authority: Authority, action: string, kind: string, name: string): boolean {
    if (this.#decidedAt !== authority.revision || this.#decisions.size > 1000) {
      this.#decisions.clear()
      this.#decidedAt = authority.revision
    }
    const key = `${action} ${kind}/${name}`
    let decision = this.#decisions.get(key)
    if (decision === undefined) {
      decision = authority.permits(this.facts.principal, action, kind, name)
      this.#decisions.set(key, decision)
    }
    return decision
  }

  get mayOweMore(): boolean {
    return this.#unacknowledged.size < limits.unacknowledged
  }

  /** A message id that no message in flight uses. */
  nextMessageId(): number {
    let id = takeMessageId(this.client)
    while (this.#unacknowledged.has(id)) id = takeMessageId(this.client)
    return id
  }

  /** Waits for the PUBACK of a message id, at most `timeoutMs`. */
  acknowledgementOf(messageId: number, timeoutMs: number): Promise<Acknowledgement> {
    return new Promise((resolve) => {
      const cancel = afterTurns(timeoutMs, () => {
        // The device may still answer: until it does, the id is in use and counts as owed.
        this.#unacknowledged.set(messageId, () => {})
        resolve('timed-out')
      })
      this.#unacknowledged.set(messageId, (how) => {
        cancel()
        resolve(how)
      })
    })
  }

  /** Takes a PUBACK; false when its message id does not belong to a direct message. */
  acknowledge(messageId: number): boolean {
    const settle = this.#unacknowledged.get(messageId)
    if (settle === undefined) return false
    this.#unacknowledged.delete(messageId)
    settle('acknowledged')
    return true
  }

  /** Tells everyone who waits for a PUBACK that none will come. */
  abandon(): void {
    const waiting = [...this.#unacknowledged.values()]
    this.#unacknowledged.clear()
    for (const settle of waiting) settle('disconnected')
  }
}

/** Several turns of the event loop fit into the shortest time that a device has for its acknowledgement. */
const STEP_MS = 50

/**
 * A timer that counts only time in which this process reads its sockets: it counts a long turn of
 * the event loop as a single step, because what a device sent during that turn has not been read.
 * Returns a function that cancels it.
 */
function afterTurns(ms: number, elapsed: () => void): () => void {
  const step = Math.min(ms, STEP_MS)
  let timer = setTimeout(next, step, ms - step)
  function next(left: number): void {
    const further = Math.min(left, STEP_MS)
    if (further > 0) timer = setTimeout(next, further, left - further)
    else elapsed()
  }
  return () => clearTimeout(timer)
}

export interface SocketAddresses {
  readonly sourceIp: string
  readonly sourcePort: number
  readonly targetIp: string
  readonly targetPort: number
}

export function addressesOf(client: AedesClient): SocketAddresses {
  const { remoteAddress, remotePort, localAddress, localPort } = client.conn
  return {
    sourceIp: remoteAddress ?? '',
    sourcePort: remotePort ?? 0,
    targetIp: localAddress ?? '',
    targetPort: localPort ?? 0,
  }
}
