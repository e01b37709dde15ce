import type { ScriptedCase } from '../case.ts'
import { activationCases } from './activation.ts'
import { channelCases } from './channels.ts'
import { clockAndStateCases } from './clock-and-state.ts'
import { connectionCases } from './connection.ts'
import { moveCases } from './move.ts'
import { notificationCases } from './notifications.ts'
import { registrationCases } from './registration.ts'
import { renewalCases } from './renewal.ts'

export const scriptedCases: Readonly<Record<string, ScriptedCase>> = {
  ...activationCases,
  ...connectionCases,
  ...registrationCases,
  ...notificationCases,
  ...channelCases,
  ...renewalCases,
  ...moveCases,
  ...clockAndStateCases,
}
