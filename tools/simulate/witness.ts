import type { Notification } from '@heliograph/core/notification'
import type { Connections, Sent } from '@heliograph/core/ports'
import { downTopics } from '@heliograph/protocol/mqtt-topic'
import type { Cloud, Environment } from './lambda.ts'
import type { Life } from './life.ts'
import { faultOfTurn } from './slot-check.ts'

/**
 * For this long after an unregister a notification accepted before may still be sent: what accept
 * may believe of a registration, what deliver takes a fresh notification to be, and the clocks.
 */
const STRAGGLER_MS = 45_000

interface Direct {
  readonly life: Life
  readonly stored: boolean
}

/** Watches every notification that a function sends, at the moment it decides to. */
export function witnessed(
  connections: Connections,
  environment: Environment,
  cloud: Cloud,
  isGenuine: (notification: Notification) => boolean,
): Connections {
  const judgeAll = (direct: Direct) => {
    judge(direct, environment, cloud)
    if (direct.stored) judgeTurn(direct.life, environment, cloud, isGenuine)
  }
  return {
    async tell(deviceId, topic, message) {
      if (topic !== downTopics.notification) return connections.tell(deviceId, topic, message)
      const direct = read(message, cloud)
      if (!direct) return connections.tell(deviceId, topic, message)
      judgeAll(direct)
      const told = await connections.tell(deviceId, topic, message)
      remember(direct.life, told === 'told' ? 'unconfirmed' : told)
      return told
    },
    async send(deviceId, topic, message, patienceMs) {
      if (topic !== downTopics.notification)
        return connections.send(deviceId, topic, message, patienceMs)
      const direct = read(message, cloud)
      if (!direct) return connections.send(deviceId, topic, message, patienceMs)
      judgeAll(direct)
      const sent = await connections.send(deviceId, topic, message, patienceMs)
      remember(direct.life, sent)
      return sent
    },
  }
}

function read(message: string, { ledger }: Cloud): Direct | undefined {
  const { uniqueId, stored } = JSON.parse(message) as { uniqueId: string; stored: boolean }
  const life = ledger.byUniqueId.get(uniqueId)
  if (life) return { life, stored }
  ledger.violate('I2', `${uniqueId} is sent and was never accepted`)
  return undefined
}

function judge({ life, stored }: Direct, environment: Environment, cloud: Cloud): void {
  const { ledger, scheduler, trace } = cloud
  const { invocation, clock } = environment
  const { expiration, deviceId, topic } = life.notification
  const how = stored ? 'as stored' : 'directly'
  trace.note(() => `${invocation?.name} sends ${life.name} ${how}`)
  if (expiration !== 0 && expiration * 1000 <= clock.now())
    ledger.violate('I4', `${life.name} is sent after its expiration`)
  if (stored && expiration === 0)
    ledger.violate('I4', `${life.name} had one attempt only and is sent again`)
  const deadSince = ledger.deadSince(deviceId, topic)
  if (deadSince !== undefined && scheduler.now - deadSince > STRAGGLER_MS)
    ledger.violate('I4', `${life.name} is sent to a token that is long dead`)
  // whoever sends from a slot asks first
  if (stored && deadSince !== undefined && deadSince < (invocation?.startedAt ?? 0))
    ledger.violate('I4', `${life.name} is sent from its slot to a token that was dead before`)
  if (stored && !invocation?.sawInSlot.has(life))
    ledger.violate('I3', `${life.name} is sent as stored by one who has not seen it in its slot`)
  if (!stored && invocation?.name.startsWith('connect'))
    ledger.violate('I3', `${life.name} is drained without being marked as stored`)
}

/** Of what waits in order nothing is sent before its turn. */
function judgeTurn(
  life: Life,
  { invocation, clock }: Environment,
  { ledger }: Cloud,
  isGenuine: (notification: Notification) => boolean,
): void {
  const context = { since: invocation?.startedAt ?? 0, nowMs: clock.now(), isGenuine }
  const fault = faultOfTurn(life, ledger.livesIn(life), context)
  if (fault) ledger.violate('slots', `${life.name} is sent as stored, but ${fault}`)
}

function remember(life: Life, sent: Sent): void {
  if (sent === 'acknowledged') life.acknowledged = true
  if (sent === 'refused') life.refused = true
  if (sent === 'busy') life.throttled = true
  if (sent === 'offline' || sent === 'unconfirmed') life.unheard = true
}
