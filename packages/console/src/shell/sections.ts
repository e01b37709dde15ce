import type { IconName } from '../parts/icon.tsx'

export interface Section {
  readonly name: string
  /** The first part of its addresses. */
  readonly path: string
  readonly icon: IconName
}

/** The views in the order of the menu, in groups. */
export const sections = [
  [
    { name: 'Overview', path: '', icon: 'overview' },
    { name: 'Send', path: 'send', icon: 'send' },
    { name: 'Notification', path: 'notifications', icon: 'bell' },
  ],
  [
    { name: 'Devices', path: 'devices', icon: 'device' },
    { name: 'Tokens', path: 'tokens', icon: 'token' },
    { name: 'Providers', path: 'providers', icon: 'provider' },
  ],
  [
    { name: 'Dead letters', path: 'dead-letters', icon: 'letter' },
    { name: 'Events', path: 'events', icon: 'live' },
    { name: 'Doctor', path: 'doctor', icon: 'doctor' },
  ],
] as const satisfies readonly (readonly Section[])[]

export type SectionPath = (typeof sections)[number][number]['path']
