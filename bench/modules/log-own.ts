import { jsonLog, loggedOutcomes } from '@heliograph/aws/log'
import { outcome } from './log-outcome.ts'

const outcomes = loggedOutcomes(jsonLog('bench', 'bench'))

/** An outcome as the functions log it: metric filters of CloudWatch make the metrics of it. */
export const handler = async (): Promise<{ statusCode: number }> => {
  outcomes.record(outcome)
  return { statusCode: 200 }
}
