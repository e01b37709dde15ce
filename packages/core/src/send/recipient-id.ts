import { hash } from 'node:crypto'
import type { DeviceToken, NotificationId } from '@heliograph/protocol/identifiers'

/**
 * The id of one recipient's notification in a request to many devices with an `apns-id`: a UUID of
 * version 5 (RFC 9562 §5.5), whose namespace is the `apns-id` and whose name is the device token in
 * lower case. So a repeated request names the same notifications, and a provider can compute each
 * id in advance.
 */
export function recipientId(apnsId: NotificationId, token: DeviceToken): NotificationId {
  const namespace = Buffer.from(apnsId.replaceAll('-', ''), 'hex')
  const bytes = hash('sha1', Buffer.concat([namespace, Buffer.from(token)]), 'buffer')
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x50
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5') as NotificationId
}
