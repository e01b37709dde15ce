import { deviceMessage, type Notification } from '@heliograph/core/notification'
import { accept } from '@heliograph/core/send/accept'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { broadcastMessage, downMessages, upMessages } from '@heliograph/protocol/messages'
import { channelTopic, downTopics, upstreams, upTopic } from '@heliograph/protocol/mqtt-topic'
import { describe, expect, it } from 'vitest'
import { APP, Desk } from '../../tools/fuzz/desk.ts'
import { Document, type Schema } from './schema.ts'

const document = new Document('asyncapi.yaml')

interface Channel {
  readonly address: string
  readonly messages: Readonly<Record<string, { readonly payload: Schema }>>
}

const channels = document.at<Record<string, Channel>>('#/channels')
const downNames = Object.keys(downTopics) as (keyof typeof downTopics)[]

/** The messages of a channel as the document has them, in its order. */
function described(name: string): Schema[] {
  const messages = Object.keys(channels[name]?.messages ?? {})
  return messages.map((message) =>
    document.bare(document.at<Schema>(`#/channels/${name}/messages/${message}/payload`)),
  )
}

describe('what asyncapi.yaml says', () => {
  it('every topic that a device publishes to or hears on, and no other', () => {
    const up = upstreams.map((name) => [name, upTopic('{stage}', name, '{deviceId}')])
    const addresses = Object.entries(channels).map(([name, { address }]) => [name, address])
    const broadcast = channelTopic('{channelId}' as ChannelId)
    expect(Object.fromEntries(addresses)).toEqual({
      ...Object.fromEntries(up),
      ...downTopics,
      broadcast,
    })
  })

  it('who sends and who hears on each', () => {
    const operations =
      document.at<Record<string, { action: string; channel: { $ref: string } }>>('#/operations')
    const sides = Object.values(operations).map(({ action, channel }) => {
      const { address } = document.at<Channel>(channel.$ref)
      return [address, action]
    })
    expect(sides).toHaveLength(Object.keys(channels).length)
    for (const [address = '', action] of sides)
      expect(action, address).toBe(address.startsWith('$aws/rules/') ? 'send' : 'receive')
  })

  it.each(upstreams)('what a device says to %s: fields, limits, reasons', (name) => {
    expect(described(name)).toEqual(upMessages[name].map(({ schema }) => schema))
  })

  it.each(downNames)('what a device hears on %s: fields, limits, reasons', (name) => {
    expect(described(name)).toEqual([downMessages[name].schema])
  })

  it('what a device hears on a channel: fields, limits, reasons', () => {
    expect(described('broadcast')).toEqual([broadcastMessage.schema])
  })

  it('the notification as the code writes it', async () => {
    const desk = new Desk()
    const headers = { 'apns-topic': APP, 'apns-collapse-id': 'k', 'apns-expiration': '0' }
    const pendingRules = { [APP]: { perCollapseId: 2 } }
    await accept(desk.request({ headers }), { ...desk.ports, pendingRules })
    const [notification] = desk.queued as [Notification]
    const message = JSON.parse(deviceMessage(notification, true)) as Record<string, unknown>
    const schema = document.schema('Notification')
    expect(document.faults(schema, message)).toEqual([])
    expect(Object.keys(message).sort()).toEqual(Object.keys(schema.properties ?? {}).sort())
  })
})
