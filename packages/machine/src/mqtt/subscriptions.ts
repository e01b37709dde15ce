import { channelOfTopic } from '@heliograph/protocol/mqtt-topic'
import type { ISubscribePacket, ISubscription, IUnsubscribePacket } from 'mqtt-packet'
import type { ChannelHub, Subscription } from './channel-hub.ts'
import { refusals } from './packets.ts'
import type { Session } from './session.ts'

/**
 * Joins the channels that a SUBSCRIBE names; returns a code for each filter. Whoever knows the id of a channel may join
 * it, whether it exists or not; any other filter is refused, in the words of the connection's version.
 */
export function subscribe(
  session: Session,
  { subscriptions }: ISubscribePacket,
  hub: ChannelHub,
): number[] {
  const is5 = session.facts.version === 5
  return subscriptions.map((asked) => {
    const channelId = channelOfTopic(asked.topic)
    if (!channelId) return is5 ? refusals.notAuthorized.v5 : FAILURE
    const subscription = readSubscription(asked)
    if (hub.join(session, channelId, subscription)) return subscription.qos
    return is5 ? QUOTA_EXCEEDED : FAILURE
  })
}

/** Leaves the channels that an UNSUBSCRIBE names; returns a code for each filter, which only MQTT 5 tells. */
export function unsubscribe(
  session: Session,
  { unsubscriptions }: IUnsubscribePacket,
  hub: ChannelHub,
): number[] {
  return unsubscriptions.map((filter) => {
    const channelId = channelOfTopic(filter)
    return channelId && hub.leave(session, channelId) ? SUCCESS : NO_SUBSCRIPTION
  })
}

/** [MQTT 3.1.1, 3.9.3] */
const FAILURE = 0x80
/** [MQTT 5, 3.9.3] */
const QUOTA_EXCEEDED = 0x97
/** [MQTT 5, 3.11.3] */
const SUCCESS = 0
const NO_SUBSCRIPTION = 0x11

/** [MQTT 5, 3.8.3.1]; nobody's own messages come back, and what is retained says so, whatever is asked for. */
function readSubscription({ qos, rh = 0 }: ISubscription): Subscription {
  const retained = (['always', 'if new'] as const)[rh] ?? 'never'
  return { qos: qos === 0 ? 0 : 1, retained }
}
