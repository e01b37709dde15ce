import { CANARY_LIFETIME_SECONDS, CANARY_TOPIC } from '@heliograph/protocol/canary'
import type { Clock } from '../ports.ts'

/** A device like any other. Every call rejects, with what to tell the person on call, where it takes too long. */
export interface CanaryDevice {
  connect(): Promise<void>
  /** Resolves to the device token. */
  register(topic: string): Promise<string>
  /** When the device had taken the notification over, by the canary's clock; it may have come already. */
  hear(uniqueId: string): Promise<number>
  close(): Promise<void>
}

export interface CanaryNotification {
  readonly token: string
  readonly topic: string
  /** UNIX seconds, as `apns-expiration`. */
  readonly expiration: number
}

export interface CanaryAnswer {
  readonly status: number
  /** `apns-unique-id`, where there is one. */
  readonly uniqueId?: string
  /** Why it was refused. */
  readonly reason?: string
}

/** A provider like any other, at the domain that providers use. As `CanaryDevice` where it takes too long. */
export interface CanaryProvider {
  connect(): Promise<void>
  send(notification: CanaryNotification): Promise<CanaryAnswer>
  close(): void
}

export interface CanaryPorts {
  /** Milliseconds; it must not be set back during a run. */
  readonly clock: Clock
  readonly device: CanaryDevice
  readonly provider: CanaryProvider
}

/** What a run does, in this order; the one that failed says where to look. */
export type CanaryStep = 'identity' | 'connect' | 'register' | 'reach' | 'send' | 'hear'

/** What one run measured, from the first byte of the request. */
export type CanaryReport =
  | {
      readonly heard: true
      readonly uniqueId: string
      /** To the provider's answer, milliseconds. */
      readonly acceptanceMs: number
      /** Until the device had taken it over, milliseconds. */
      readonly deviceMs: number
    }
  | CanaryFailure

export interface CanaryFailure {
  readonly heard: false
  readonly step: CanaryStep
  readonly detail: string
  /** Where the notification was accepted: for the log of deliver. */
  readonly uniqueId?: string
  readonly acceptanceMs?: number
}

type Progress = Omit<CanaryFailure, 'heard' | 'detail' | 'step'> & { step: CanaryStep }

/** The whole way, once: a device connects and registers, a provider sends to it, and the device hears it. */
export async function runCanary(ports: CanaryPorts): Promise<CanaryReport> {
  const { device, provider } = ports
  let progress: Progress = { step: 'connect' }
  try {
    return await goAllTheWay(ports, (next) => {
      progress = { ...progress, ...next }
    })
  } catch (fault) {
    const detail = fault instanceof Error ? fault.message : String(fault)
    return { heard: false, ...progress, detail }
  } finally {
    provider.close()
    await device.close()
  }
}

async function goAllTheWay(
  { clock, device, provider }: CanaryPorts,
  note: (next: Partial<Progress>) => void,
): Promise<CanaryReport> {
  await device.connect()
  note({ step: 'register' })
  const token = await device.register(CANARY_TOPIC)
  note({ step: 'reach' })
  // a provider keeps its connection for hours: its handshake is no part of the times
  await provider.connect()
  note({ step: 'send' })
  const sentAt = clock.now()
  const expiration = Math.floor(sentAt / 1000) + CANARY_LIFETIME_SECONDS
  const answer = await provider.send({ token, topic: CANARY_TOPIC, expiration })
  const acceptanceMs = clock.now() - sentAt
  const uniqueId = acceptedAs(answer)
  note({ step: 'hear', uniqueId, acceptanceMs })
  const deviceMs = (await device.hear(uniqueId)) - sentAt
  return { heard: true, uniqueId, acceptanceMs, deviceMs }
}

function acceptedAs({ status, reason = 'no reason given', uniqueId }: CanaryAnswer): string {
  if (status !== 200) throw new Error(`the answer was ${status}: ${reason}`)
  if (uniqueId === undefined) throw new Error('the answer was 200 without an apns-unique-id')
  return uniqueId
}
