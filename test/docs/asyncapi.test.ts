import { describe, expect, it } from 'vitest'
import { accept } from '../../core/accept.ts'
import type { ConnectedMessage, ConnectReason } from '../../core/connect.ts'
import type { DeviceErrorReason } from '../../core/device-request.ts'
import { MAX_TOKENS } from '../../core/device-request.ts'
import { deviceMessage, type Notification } from '../../core/notification.ts'
import { downTopics } from '../../core/ports.ts'
import { pushTypes } from '../../core/push-type.ts'
import { upstreams } from '../../lib/constructs/upstream-rule.ts'
import { APP, Desk } from '../core/accept-support.ts'
import { Document, type Schema } from './schema.ts'

const document = new Document('asyncapi.yaml')

interface Channel {
  readonly address: string
  readonly messages: Readonly<Record<string, { readonly payload: Schema }>>
}

const channels = document.at<Record<string, Channel>>('#/channels')
const enumOf = (schema: string, key: string) =>
  [...(document.schema(schema).properties?.[key]?.enum ?? [])].map(String).sort()

describe('what asyncapi.yaml says', () => {
  it('every topic that a device publishes to or hears on, and no other', () => {
    const up = upstreams.map((name) => `$aws/rules/heliograph_{stage}_${name}/{deviceId}`)
    const addresses = Object.values(channels).map(({ address }) => address)
    expect(addresses.sort()).toEqual([...up, ...Object.values(downTopics)].sort())
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

  it('the notification as the code writes it', async () => {
    const desk = new Desk()
    const headers = { 'apns-topic': APP, 'apns-collapse-id': 'k', 'apns-expiration': '0' }
    await accept(desk.request({ headers }), desk.ports)
    const [notification] = desk.queued as [Notification]
    const message = JSON.parse(deviceMessage(notification, true)) as Record<string, unknown>
    const schema = document.schema('Notification')
    expect(document.faults(schema, message)).toEqual([])
    expect(Object.keys(message).sort()).toEqual(Object.keys(schema.properties ?? {}).sort())
    expect(enumOf('Notification', 'pushType')).toEqual(Object.keys(pushTypes).sort())
  })

  it('what a device is told after it has connected', () => {
    const token = 'ab'.repeat(32) as ConnectedMessage['renewed'][number]['token']
    const topic = APP
    const message: ConnectedMessage = {
      accepted: [topic],
      renewed: [{ topic, token }],
      rejected: [{ token, reason: 'NotYourToken' }],
    }
    expect(document.faults(document.schema('Connected'), message)).toEqual([])
    // a reason that is new to the code does not compile here
    const reasons: Record<ConnectReason, true> = {
      BadDeviceToken: true,
      NotYourToken: true,
      Unregistered: true,
    }
    expect(enumOf('RejectedToken', 'reason')).toEqual(Object.keys(reasons).sort())
    expect(document.schema('Presence').properties?.tokens?.maxItems).toBe(MAX_TOKENS)
  })

  it('every reason of an error', () => {
    const reasons: Record<DeviceErrorReason, true> = {
      BadRequest: true,
      BadTopic: true,
      UnknownTopic: true,
      BadCertificateRequest: true,
      TooManyRegistrations: true,
    }
    expect(enumOf('Error', 'reason')).toEqual(Object.keys(reasons).sort())
    const kinds = document.schema('Error').properties?.request?.properties?.kind?.enum
    expect(kinds).toEqual([...upstreams])
  })
})
