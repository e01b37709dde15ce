import { endRegistration } from '@heliograph/core/devices/unregister'
import { type DeviceId, parseTopic, type Topic } from '@heliograph/protocol/identifiers'
import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { inspectToken } from './inspect-token.ts'
import { endingNotifications } from './ports.ts'
import { checkDeviceId } from './show-device.ts'

export interface ExpiredToken {
  readonly deviceId: DeviceId
  readonly topic: Topic
  /** Milliseconds since the epoch; what a provider's 410 carries. */
  readonly expiredAt: number
}

/** Ends the registration behind a token: providers get 410 `ExpiredToken` from now on. */
export async function expireToken(deployment: Deployment, text: string): Promise<ExpiredToken> {
  const view = await inspectToken(deployment, text)
  if (!view.opens) throw new Failure('notFound', `not a token of this deployment: ${view.why}`)
  const { deviceId, topic } = view
  if (!topic) throw nobody()
  return endOf(deployment, deviceId, topic)
}

/** As `expireToken`, by the device and the topic of the token. */
export async function expireRegistration(
  deployment: Deployment,
  id: string,
  topicText: string,
): Promise<ExpiredToken> {
  const topic = parseTopic(topicText)
  if (!topic) throw new Failure('usage', `"${topicText}" is not a topic`)
  return endOf(deployment, checkDeviceId(id), topic)
}

const nobody = () =>
  new Failure('refused', 'nobody is registered with this token: there is nothing to end')

async function endOf(
  deployment: Deployment,
  deviceId: DeviceId,
  topic: Topic,
): Promise<ExpiredToken> {
  const registration = await deployment.ports.registrations.find(deviceId, topic)
  if (!registration?.live) throw nobody()
  // later than IoT Core's clock said when it registered, should this machine's be behind
  const expiredAt = Math.max(deployment.clock.now(), registration.registeredAt + 1)
  const { registrations } = deployment.ports
  const isEnded = await endingNotifications(
    deployment,
    async (ending) =>
      (await endRegistration(deviceId, topic, expiredAt, ending)) === 'unregistered' &&
      registrations.noteExpiry(deviceId, topic, expiredAt),
    'ExpiredToken',
  )
  if (!isEnded)
    throw new Failure(
      'failed',
      'the device has registered again in the meantime: check with token inspect',
    )
  return { deviceId, topic, expiredAt }
}
