import { expect, test } from 'vitest'
import type { ChannelId } from '../src/identifiers.ts'
import {
  anyChannelTopic,
  anyDownTopic,
  channelOfTopic,
  channelTopic,
  downTopics,
  upTopics,
} from '../src/mqtt-topic.ts'

test('a device publishes to the rule of its stage, under its own id', () => {
  expect(upTopics('prod', '0123456789abcdef')).toEqual({
    register: '$aws/rules/heliograph_prod_register/0123456789abcdef',
    connect: '$aws/rules/heliograph_prod_connect/0123456789abcdef',
    unregister: '$aws/rules/heliograph_prod_unregister/0123456789abcdef',
    renew: '$aws/rules/heliograph_prod_renew/0123456789abcdef',
  })
})

test('a policy that allows them all allows every topic down', () => {
  expect(anyDownTopic).toMatch(/^heliograph\/\*$/)
  const prefix = anyDownTopic.slice(0, -1)
  for (const topic of Object.values(downTopics)) expect(topic.startsWith(prefix), topic).toBe(true)
})

const channel = 'aZ09'.repeat(6) as ChannelId

test('a channel is one topic, which leads back to it', () => {
  expect(channelTopic(channel)).toBe(`heliograph/channel/${channel}`)
  expect(channelOfTopic(channelTopic(channel))).toBe(channel)
  for (const topic of [...Object.values(downTopics), 'heliograph/channel/+', channel, ''])
    expect(channelOfTopic(topic), topic).toBeUndefined()
})

test('what a policy says of channels is said of no other topic', () => {
  const prefix = anyChannelTopic.slice(0, -1)
  expect(channelTopic(channel).startsWith(prefix)).toBe(true)
  for (const topic of Object.values(downTopics)) expect(topic.startsWith(prefix), topic).toBe(false)
})
