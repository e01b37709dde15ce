import type { Deployment } from '../deployment.ts'
import type { Entrances } from '../target.ts'

/** What a check found. A problem keeps the service from working; a warning will, or may. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'problem'
  /** What was found, and what to do about it if it is not well. */
  readonly detail: string
}

export interface Patient {
  readonly deployment: Deployment
  readonly entrances: Entrances
}

/** A part of the deployment to check; if the check throws, its name becomes the finding's. */
export interface Check {
  readonly name: string
  run(patient: Patient): Promise<readonly Finding[]>
}

export const ok = (check: string, detail: string): Finding => ({ check, state: 'ok', detail })
export const warning = (check: string, detail: string): Finding => ({
  check,
  state: 'warning',
  detail,
})
export const problem = (check: string, detail: string): Finding => ({
  check,
  state: 'problem',
  detail,
})
