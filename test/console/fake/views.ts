import { known } from './world.ts'

/** A view of the page: its address, and what shows that it is there. */
export interface View {
  readonly name: string
  readonly address: string
  readonly text: string
}

export const views: readonly View[] = [
  { name: 'overview', address: '/', text: 'Put into storage' },
  {
    name: 'send',
    address: `/send?token=${known.token}&topic=${known.topic}`,
    text: 'of 4,096 bytes',
  },
  { name: 'notification', address: '/notifications', text: 'No notification chosen' },
  {
    name: 'notification-timeline',
    address: `/notifications/${known.notification}`,
    text: 'The device connected',
  },
  { name: 'devices', address: '/devices', text: known.device },
  { name: 'device', address: `/devices/${known.device}`, text: 'Waiting for the device' },
  { name: 'tokens', address: '/tokens', text: 'No token chosen' },
  { name: 'token', address: `/tokens/${known.token}`, text: 'A provider would hear' },
  { name: 'providers', address: '/providers', text: 'Issue a certificate' },
  { name: 'provider-keys', address: '/providers/keys', text: 'ABC123DEFG' },
  { name: 'provider-token', address: '/providers/check', text: 'Token (JWT)' },
  { name: 'dead-letters', address: '/dead-letters', text: 'What a rule could not hand over' },
  {
    name: 'dead-letter-queue',
    address: '/dead-letters/notifications',
    text: 'Hand all over once more',
  },
  { name: 'events', address: '/events?outcome=delivered', text: 'Dead token' },
  { name: 'doctor', address: '/doctor', text: 'Provider edge' },
  { name: 'nowhere', address: '/nowhere', text: 'There is nothing at this address' },
]
