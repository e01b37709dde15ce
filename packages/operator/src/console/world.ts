import type { Deployment } from '../deployment.ts'
import type { Entrances, TargetOptions } from '../target.ts'
import type { Credentials } from './credentials.ts'
import type { Jobs } from './jobs.ts'

/** What the answers of a console are made of. */
export interface ConsoleWorld {
  readonly target: TargetOptions
  /** Of the package. */
  readonly version: string
  readonly clock: { now(): number }
  deployment(): Promise<Deployment>
  entrances(): Promise<Entrances>
  /** A deployment that did not answer is looked for anew. */
  noteFault(fault: unknown): void
  readonly credentials: Credentials
  readonly jobs: Jobs
  /** When the console ends if nothing is done until then; milliseconds since the epoch. */
  endsAt(): number
  /** Ends the console once what is asked now is answered. */
  end(): void
}
