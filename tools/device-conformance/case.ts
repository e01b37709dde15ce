import { readFileSync } from 'node:fs'
import type { World } from './world.ts'

export type Profile = 'quick' | 'full' | 'long'

/** A rule of the page. */
export interface Rule {
  readonly id: string
  readonly service: 'scripted' | 'live'
  readonly profile: Profile
  readonly rule: string
}

/** What a case may know of its run. */
export interface Scale {
  /** Whether it may take minutes. */
  readonly long: boolean
}

/** Throws if the implementation breaks the rule; a `Skip` if that cannot be seen here. */
export type ScriptedCase = (world: World, scale: Scale) => Promise<void>

/** Why a case says nothing about this implementation here. */
export class Skip extends Error {}

const file = JSON.parse(readFileSync(new URL('./cases.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Rule[]
}

export const rules = file.cases
