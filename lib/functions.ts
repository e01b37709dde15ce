import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { acceptSettings } from '../lambdas/accept/settings.ts'
import { activateSettings } from '../lambdas/activate/settings.ts'
import { announceSettings } from '../lambdas/announce/settings.ts'
import { authoritySettings } from '../lambdas/authority/settings.ts'
import { canarySettings } from '../lambdas/canary/settings.ts'
import { channelFunctionSettings } from '../lambdas/channel/settings.ts'
import { connectSettings } from '../lambdas/connect/settings.ts'
import { deliverSettings } from '../lambdas/deliver/settings.ts'
import { domainSettings } from '../lambdas/domain/settings.ts'
import { emptySettings } from '../lambdas/empty/settings.ts'
import { endpointSettings } from '../lambdas/endpoint/settings.ts'
import { expireSettings } from '../lambdas/expire/settings.ts'
import { feedbackSettings } from '../lambdas/feedback/settings.ts'
import { inspectSettings } from '../lambdas/inspect/settings.ts'
import { receiptSettings } from '../lambdas/receipt/settings.ts'
import { recordSettings } from '../lambdas/record/settings.ts'
import { registerSettings } from '../lambdas/register/settings.ts'
import { renewSettings } from '../lambdas/renew/settings.ts'
import { rotateSettings } from '../lambdas/rotate/settings.ts'
import type { Variable } from '../lambdas/settings.ts'
import { unregisterSettings } from '../lambdas/unregister/settings.ts'

/** Every function: its folder under `lambdas/` and the variables that it reads. */
export const functionSettings = {
  accept: acceptSettings,
  activate: activateSettings,
  announce: announceSettings,
  authority: authoritySettings,
  canary: canarySettings,
  channel: channelFunctionSettings,
  connect: connectSettings,
  deliver: deliverSettings,
  domain: domainSettings,
  empty: emptySettings,
  endpoint: endpointSettings,
  expire: expireSettings,
  feedback: feedbackSettings,
  inspect: inspectSettings,
  receipt: receiptSettings,
  record: recordSettings,
  register: registerSettings,
  renew: renewSettings,
  rotate: rotateSettings,
  unregister: unregisterSettings,
} as const satisfies Record<string, readonly Variable[]>

export type FunctionName = keyof typeof functionSettings

export const functionNames = Object.keys(functionSettings) as FunctionName[]

/** The folder that holds a function's bundle: `index.mjs`, which exports `handler`. */
export type FunctionCode = (name: FunctionName) => string

/** The bundles that the published package contains next to its script. */
export function packagedCode(): FunctionCode {
  const folder = fileURLToPath(new URL('./functions', import.meta.url))
  if (!existsSync(folder))
    throw new Error('Heliograph: the functions are not bundled here: give the property code')
  return (name) => join(folder, name)
}
