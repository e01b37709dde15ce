import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { outcome } from './log-outcome.ts'

const logger = new Logger({ serviceName: 'bench' })
const metrics = new Metrics({ namespace: 'bench', serviceName: 'bench' })
const { kind, ...fields } = outcome

/** The same outcome as a line of Powertools' Logger and a metric of its Metrics. */
export const handler = async (): Promise<{ statusCode: number }> => {
  logger.info(`notification ${kind}`, { outcome: kind, ...fields })
  metrics.addMetric(kind, MetricUnit.Count, 1)
  metrics.publishStoredMetrics()
  return { statusCode: 200 }
}
