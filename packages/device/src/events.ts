import { fault, type HeliographDeviceError, messageOf } from './errors.ts'

/**
 * Why a notification does not reach the handler: it was taken over before; a newer one of its topic or
 * channel was; its topic is unregistered; its channel is not joined.
 */
export type DropCause = 'repeat' | 'overtaken' | 'unregistered' | 'left'

/** The events that a device emits. */
export interface DeviceEvents {
  /** The broker has taken the connection (CONNACK). */
  connected: { readonly deviceId: string }
  /** The connection ended or an attempt failed; `retryInMs` is absent after `close()`. */
  disconnected: { readonly cause: string; readonly retryInMs?: number }
  /** A topic has a token it did not have before: send it to the provider. */
  token: { readonly topic: string; readonly token: string }
  /** The service knows these topics as registered, seen from this connection. */
  accepted: { readonly topics: readonly string[] }
  /** The service refused a token; the SDK registers again if that can help. */
  rejected: { readonly topic: string | undefined; readonly token: string; readonly reason: string }
  /** A notification was acknowledged and did not reach the handler. */
  dropped: {
    readonly id: string
    readonly topic: string
    readonly channel?: string
    readonly why: DropCause
  }
  /** The device has followed the service to this place, and knows no other any more. */
  moved: { readonly host: string; readonly port: number }
  /** Something failed that no caller is waiting for. The device keeps running. */
  error: HeliographDeviceError
}

export type DeviceListener<Name extends keyof DeviceEvents> = (
  event: DeviceEvents[Name],
) => void | Promise<void>

type AnyListener = (event: never) => void | Promise<void>

/**
 * The listeners of one device. A listener that throws or rejects ends in an `error` event, and an
 * `error` that nobody listens to becomes a process warning: never an exit, never silence.
 */
export class Events {
  readonly #listeners = new Map<keyof DeviceEvents, Set<AnyListener>>()

  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof DeviceEvents>(name: Name, listener: DeviceListener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  emit<Name extends keyof DeviceEvents>(name: Name, event: DeviceEvents[Name]): void {
    const listeners = [...(this.#listeners.get(name) ?? [])] as DeviceListener<Name>[]
    if (name === 'error' && listeners.length === 0)
      process.emitWarning(event as HeliographDeviceError)
    for (const listener of listeners) this.#call(name, listener, event)
  }

  #call<Name extends keyof DeviceEvents>(
    name: Name,
    listener: DeviceListener<Name>,
    event: DeviceEvents[Name],
  ): void {
    const failed = (thrown: unknown) => this.#listenerFailed(name, thrown)
    try {
      Promise.resolve(listener(event)).catch(failed)
    } catch (thrown) {
      failed(thrown)
    }
  }

  #listenerFailed(name: keyof DeviceEvents, thrown: unknown): void {
    const error = fault('ListenerFailed', `a listener for "${name}" failed: ${messageOf(thrown)}`, {
      cause: thrown,
    })
    if (name === 'error') process.emitWarning(error)
    else this.emit('error', error)
  }
}
