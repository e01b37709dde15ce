import { deviceIdFromBytes } from '@heliograph/core/device-id'
import type { Notification } from '@heliograph/core/notification'

/** The notification of a number: each has a device of its own, and about 1 kB. */
export function slotAt(number: number): Notification {
  const bytes = new Uint8Array(10)
  new DataView(bytes.buffer).setUint32(6, number)
  return {
    id: `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`,
    uniqueId: '00000000-0000-4000-8000-000000000000',
    idFromProvider: false,
    seq: '01M8B4TMFMQG84JW5X4ZGE60H3',
    deviceId: deviceIdFromBytes(bytes),
    topic: 'com.example.app',
    tokenFingerprint: '0123456789ab',
    acceptedAt: 1_000,
    expiration: 2_000_000_000 + number,
    priority: 10,
    pushType: 'alert',
    payload: JSON.stringify({ aps: { alert: `${number} `.repeat(200).slice(0, 900) } }),
    seal: '',
  } as unknown as Notification
}
