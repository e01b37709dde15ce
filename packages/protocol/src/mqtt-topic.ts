import { type ChannelId, parseChannelId } from './identifiers.ts'

/** What a device can ask for; each is a function and a topic rule of that name. */
export const upstreams = ['register', 'connect', 'unregister', 'renew'] as const

export type Upstream = (typeof upstreams)[number]

/** A rule's name is part of the topic that devices publish to: only letters, digits and `_`. */
export function ruleName(stage: string, upstream: Upstream): string {
  return `heliograph_${stage}_${upstream}`
}

/** Where one device publishes: Basic Ingest, which costs no messaging and which nobody can subscribe to. */
export function upTopic(stage: string, upstream: Upstream, deviceId: string): string {
  return `$aws/rules/${ruleName(stage, upstream)}/${deviceId}`
}

/** What a device publishes to, as the answer to its activation names it. */
export function upTopics(stage: string, deviceId: string): Readonly<Record<Upstream, string>> {
  const topics = upstreams.map((name) => [name, upTopic(stage, name, deviceId)] as const)
  return Object.fromEntries(topics) as Record<Upstream, string>
}

/**
 * The topics on which devices receive: the same for all, because a direct message goes to one
 * client.
 */
export const downTopics = {
  token: 'heliograph/token',
  connected: 'heliograph/connected',
  notification: 'heliograph/notification',
  certificate: 'heliograph/certificate',
  move: 'heliograph/move',
  error: 'heliograph/error',
} as const

export type DownTopic = (typeof downTopics)[keyof typeof downTopics]

const channelPrefix = 'heliograph/channel/'

/**
 * Where the broadcasts of a channel are published, and the one topic that a device subscribes to: one
 * exact filter per channel, never with `+` or `#`.
 */
export function channelTopic(channel: ChannelId): string {
  return `${channelPrefix}${channel}`
}

/** The channel of a topic that `channelTopic` made; undefined for any other. */
export function channelOfTopic(topic: string): ChannelId | undefined {
  return topic.startsWith(channelPrefix)
    ? parseChannelId(topic.slice(channelPrefix.length))
    : undefined
}

/** Every channel's topic, as policies name topics. */
export const anyChannelTopic = `${channelPrefix}*`

/** All of them, as policies name topics: those of channels are among them. */
export const anyDownTopic = 'heliograph/*'
