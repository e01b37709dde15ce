import type { OperatorPorts } from '@heliograph/core/operator-ports'
import type { Clock, Ids } from '@heliograph/core/ports'

/** One deployment, found and ready for an operator's commands. */
export interface Deployment {
  readonly stage: string
  readonly ports: OperatorPorts
  readonly clock: Clock
  readonly ids: Ids
  /** Frees the connections, so that the process can end. */
  close(): Promise<void>
}
