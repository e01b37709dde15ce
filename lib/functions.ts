import { acceptSettings } from '../lambdas/accept/settings.ts'
import { activateSettings } from '../lambdas/activate/settings.ts'
import { authoritySettings } from '../lambdas/authority/settings.ts'
import { connectSettings } from '../lambdas/connect/settings.ts'
import { deliverSettings } from '../lambdas/deliver/settings.ts'
import { domainSettings } from '../lambdas/domain/settings.ts'
import { endpointSettings } from '../lambdas/endpoint/settings.ts'
import { expireSettings } from '../lambdas/expire/settings.ts'
import { feedbackSettings } from '../lambdas/feedback/settings.ts'
import { inspectSettings } from '../lambdas/inspect/settings.ts'
import { registerSettings } from '../lambdas/register/settings.ts'
import { renewSettings } from '../lambdas/renew/settings.ts'
import { rotateSettings } from '../lambdas/rotate/settings.ts'
import type { Variable } from '../lambdas/settings.ts'
import { unregisterSettings } from '../lambdas/unregister/settings.ts'

/** Every function: its folder under `lambdas/` and the variables that it reads. */
export const functionSettings = {
  accept: acceptSettings,
  activate: activateSettings,
  authority: authoritySettings,
  connect: connectSettings,
  deliver: deliverSettings,
  domain: domainSettings,
  endpoint: endpointSettings,
  expire: expireSettings,
  feedback: feedbackSettings,
  inspect: inspectSettings,
  register: registerSettings,
  renew: renewSettings,
  rotate: rotateSettings,
  unregister: unregisterSettings,
} as const satisfies Record<string, readonly Variable[]>

export type FunctionName = keyof typeof functionSettings

export const functionNames = Object.keys(functionSettings) as FunctionName[]

/** The folder that holds a function's bundle: `index.mjs`, which exports `handler`. */
export type FunctionCode = (name: FunctionName) => string
