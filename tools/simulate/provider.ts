import { perCollapseIdOf } from '@heliograph/core/delivery/pending-rules'
import type { Answer } from '@heliograph/core/send/answer'
import type { ProviderRequest } from '@heliograph/core/send/provider-request'
import { openToken } from '@heliograph/core/token/token'
import type { DeviceToken, Topic } from '@heliograph/protocol/identifiers'
import type { PendingRules } from '@heliograph/protocol/pending-rule'
import { type Credential, type CredentialParts, Credentials, presented } from './credentials.ts'
import type { Device } from './device.ts'
import type { LambdaFunction } from './lambda.ts'
import type { TokenKeys } from './ports/token-keys.ts'
import type { Expiration } from './settings.ts'

/** What a provider works with. */
export interface ProviderParts extends CredentialParts {
  readonly accept: LambdaFunction<ProviderRequest, Answer>
  readonly tokenKeys: TokenKeys
  readonly pending: PendingRules
  /** When a device had been shut out (true time). */
  shutOutAt(device: Device): number | undefined
}

/** lambdas/http answers a request within this time, come what may. */
const ANSWER_WITHIN_MS = 4_500
/** Bound of I4: how long accept may believe a registration that it has read. */
export const REGISTRATION_CACHE_SECONDS = 10
const MAX_RETRIES = 3
/**
 * For as long a function may not know a new token key: how soon it reads the ring again
 * (aws/token-keys: REFRESH_SECONDS), the clock that dated the key, and the time a read takes.
 */
export const NEW_KEY_MS = 250 + 5_000 + 3_000

interface Recipient {
  readonly device: Device
  readonly topic: Topic
  readonly token: DeviceToken
}

interface Send {
  /** One, or those of a request to many devices. */
  readonly recipients: readonly Recipient[]
  readonly request: ProviderRequest
  readonly credential: Credential
  readonly startedAt: number
}

/** What one recipient was answered: alone, or in its place. */
interface Result {
  readonly status: number
  readonly reason?: string
  readonly timestamp?: number
  readonly uniqueId?: string | undefined
}

/** Sends to devices by the tokens their apps have told it, old ones included. */
export class Provider {
  readonly #parts: ProviderParts
  readonly #credentials: Credentials
  readonly #tokens = new Map<string, DeviceToken>()
  #sent = 0

  constructor(parts: ProviderParts) {
    this.#parts = parts
    this.#credentials = new Credentials(parts)
  }

  /** One notification for an app, as far as its token is known. */
  send(device: Device, topic: Topic): void {
    this.#sendTo([device], topic, (token) => ({
      path: `/3/device/${token}`,
      body: Buffer.from(`{"n":${this.#sent}}`),
    }))
  }

  /** One request for an app on many devices; the same device may be among them twice. */
  sendToMany(devices: readonly Device[], topic: Topic): void {
    this.#sendTo(devices, topic, (...tokens) => ({
      path: '/3/devices',
      body: Buffer.from(`{"tokens":${JSON.stringify(tokens)},"payload":{"n":${this.#sent}}}`),
    }))
  }

  #sendTo(
    devices: readonly Device[],
    topic: Topic,
    write: (...tokens: DeviceToken[]) => Pick<ProviderRequest, 'path' | 'body'>,
  ): void {
    const { random } = this.#parts.cloud
    const recipients = devices.flatMap((device) => {
      const token = this.#tokenFor(device, topic)
      return token ? [{ device, topic, token }] : []
    })
    if (recipients.length === 0) return
    this.#sent += 1
    const credential = this.#credentials.next()
    const words = write(...recipients.map(({ token }) => token))
    const request = { ...this.#request(topic, credential), ...words }
    const send = { recipients, credential, request, startedAt: 0 }
    this.#post(send, MAX_RETRIES)
    // a client that repeats too soon (node-apn does, four times within 50 ms)
    if (request.headers['apns-id'] && random.chance(0.1)) this.#post(send, 0)
  }

  #tokenFor(device: Device, topic: Topic): DeviceToken | undefined {
    const key = `${device.deviceId}/${topic}`
    const known = this.#tokens.get(key)
    const isOutOfDate = known && this.#parts.cloud.random.chance(0.2)
    const token = isOutOfDate ? known : (device.token(topic) ?? known)
    if (token) this.#tokens.set(key, token)
    return token
  }

  #request(topic: Topic, credential: Credential): Omit<ProviderRequest, 'path' | 'body'> {
    const { cloud, habits } = this.#parts
    const expiration = this.#expiration(cloud.random.pick(habits.expirations))
    const ownId = cloud.random.chance(habits.ownId)
    const collapseId = this.#collapseId(topic)
    const who = presented(credential)
    return {
      ...who,
      method: 'POST',
      headers: {
        ...who.headers,
        'apns-topic': topic,
        'apns-push-type': 'alert',
        ...(ownId ? { 'apns-id': idOf(this.#sent) } : {}),
        ...(collapseId === undefined ? {} : { 'apns-collapse-id': collapseId }),
        ...(expiration === undefined ? {} : { 'apns-expiration': String(expiration) }),
      },
      query: {},
    }
  }

  /** Only where it counts, so that other runs stay as they were. */
  #collapseId(topic: Topic): string | undefined {
    const { cloud, pending } = this.#parts
    if (perCollapseIdOf(pending, topic) === undefined || cloud.random.chance(0.4)) return undefined
    return `collapse ${cloud.random.int(4)}`
  }

  #expiration(kind: Expiration): number | undefined {
    const { scheduler, random } = this.#parts.cloud
    const now = Math.floor(scheduler.now / 1000)
    if (kind === 'absent') return undefined
    if (kind === 'zero') return 0
    if (kind === 'past') return now - 1 - random.int(100)
    return now + (kind === 'hour' ? 3600 : 1 + random.int(30))
  }

  #post(send: Send, retries: number): void {
    const { accept, cloud } = this.#parts
    const { scheduler, random } = cloud
    const started = { ...send, startedAt: scheduler.now }
    let isAnswered = false
    const answer = (status: number, given?: Answer) => {
      if (isAnswered) return
      isAnswered = true
      late.cancel()
      if (given) this.#judge(started, given)
      if (status < 500 || retries === 0 || !random.chance(this.#parts.habits.retries)) return
      scheduler.after(random.logBetween(10, 3_000), () => this.#post(send, retries - 1))
    }
    const late = scheduler.after(ANSWER_WITHIN_MS, () => answer(503))
    accept.invoke(send.request, (result) => {
      if ('answer' in result) answer(result.answer.status, result.answer)
      else answer(503)
    })
  }

  #judge(send: Send, answer: Answer): void {
    const { trace, ledger } = this.#parts.cloud
    const uniqueId = answer.headers['apns-unique-id']
    trace.note(() => `provider hears ${answer.status} ${answer.body ?? uniqueId}`)
    const results = resultsIn(answer)
    for (const [at, recipient] of send.recipients.entries()) {
      // a refusal of the request is that of each
      const result = results[at] ?? results[0]
      if (!result) continue
      ledger.count(`status ${result.status}`)
      if (result.status === 200) this.#judgeAccepted(send, recipient, result.uniqueId)
      else this.#judgeRefused(send, recipient, result)
    }
  }

  #judgeAccepted(
    { credential, startedAt }: Send,
    { device, topic }: Recipient,
    uniqueId: string | undefined,
  ): void {
    const { ledger, scheduler, skew } = this.#parts.cloud
    if (!ledger.byUniqueId.has(uniqueId ?? ''))
      ledger.violate('I6', '200 before the queue held the notification')
    const flaw = this.#credentials.flawOf(credential, topic, startedAt)
    if (flaw) ledger.violate('I4', `${flaw} was served`)
    if ('token' in credential) ledger.count('accepted by token')
    const shutOutAt = this.#parts.shutOutAt(device) ?? Number.POSITIVE_INFINITY
    if (startedAt > shutOutAt + REGISTRATION_CACHE_SECONDS * 1000 + 2 * skew)
      ledger.violate('I4', `a token of the revoked ${device.deviceId} was accepted`)
    const deadSince = ledger.deadSince(device.deviceId, topic) ?? scheduler.now
    // a clock that is set back makes what was read young again
    if (startedAt > deadSince + REGISTRATION_CACHE_SECONDS * 1000 + 2 * skew)
      ledger.violate('I4', `a dead token was accepted ${startedAt - deadSince} ms late`)
  }

  /** A refusal must have its cause in what truly happened. */
  #judgeRefused(send: Send, recipient: Recipient, result: Result): void {
    if (this.#isJustified(send, recipient, result)) return
    const { status, reason } = result
    this.#parts.cloud.ledger.violate('answers', `refused with ${status} ${reason} without a cause`)
  }

  #isJustified(
    { credential, startedAt }: Send,
    { device, topic, token }: Recipient,
    { reason, timestamp }: Result,
  ): boolean {
    const { ledger, scheduler } = this.#parts.cloud
    if (this.#credentials.mayRefuse(credential, topic, reason)) return true
    if (reason === 'Unregistered')
      return (
        timestamp !== undefined && ledger.wasDead(device.deviceId, topic, startedAt, scheduler.now)
      )
    return reason === 'BadDeviceToken' && !this.#isGood(token)
  }

  #isGood(token: DeviceToken): boolean {
    const opened = openToken(this.#parts.tokenKeys.live(), token)
    return (
      opened !== undefined && this.#parts.cloud.scheduler.now - opened.key.createdAt > NEW_KEY_MS
    )
  }
}

function idOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

function resultsIn({ status, headers, body = '{}' }: Answer): Result[] {
  const { results, ...refusal } = JSON.parse(body)
  if (!results) return [{ ...refusal, status, uniqueId: headers['apns-unique-id'] }]
  return results.map((one: Result & { readonly 'apns-unique-id'?: string }) => ({
    ...one,
    uniqueId: one['apns-unique-id'],
  }))
}
