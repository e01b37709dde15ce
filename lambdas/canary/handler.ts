import type { Log } from '@heliograph/aws/log'
import {
  type CanaryCredentials,
  type CanaryKey,
  type Enrolled,
  type EnrollmentPorts,
  enrollCanary,
  parseCanaryRequest,
  prepareCanary,
} from '@heliograph/core/canary/enrollment'
import {
  type CanaryDevice,
  type CanaryProvider,
  type CanaryReport,
  runCanary,
} from '@heliograph/core/canary/run-canary'
import type { Clock } from '@heliograph/core/ports'
import {
  CANARY_ACCEPTANCE_TIME,
  CANARY_DEVICE_TIME,
  METRIC_NAMESPACE,
} from '@heliograph/protocol/metrics'

export interface CanaryHandlerPorts extends EnrollmentPorts {
  readonly clock: Clock
  /** Does work with the device that keeps this; `onChange` hears what it keeps from now on. */
  withDevice(
    kept: string,
    work: (device: CanaryDevice) => Promise<CanaryReport>,
    onChange: (kept: string) => Promise<void>,
  ): Promise<CanaryReport>
  provider(credentials: CanaryCredentials): CanaryProvider
}

/**
 * A run, or a step of the enrollment. A run that fails is a line in the log and a value that is missing from the
 * metric, for which there is an alarm: it is no error of the function, which Lambda would count and repeat.
 */
export function canaryHandler(ports: CanaryHandlerPorts, log: Log) {
  return async (event: unknown): Promise<CanaryReport | CanaryKey | Enrolled> => {
    const request = parseCanaryRequest(event)
    if (request?.ask === 'prepare') return prepareCanary(ports)
    if (request?.ask === 'enroll') return enroll(request, ports, log)
    const report = await run(ports)
    logReport(report, ports.clock.now(), log)
    return report
  }
}

async function enroll(
  request: Parameters<typeof enrollCanary>[0],
  ports: CanaryHandlerPorts,
  log: Log,
): Promise<Enrolled> {
  const enrolled = await enrollCanary(request, ports)
  const { deviceId, fingerprint } = enrolled
  log.info('canary enrolled', { deviceId, fingerprint })
  return enrolled
}

async function run({ identities, clock, ...ports }: CanaryHandlerPorts): Promise<CanaryReport> {
  try {
    const identity = await identities.find()
    if (!identity) return nobody('the canary is nobody yet: run heliograph canary enroll')
    const provider = ports.provider(identity)
    return await ports.withDevice(
      identity.device,
      (device) => runCanary({ clock, device, provider }),
      (device) => identities.keep({ ...identity, device }),
    )
  } catch (fault) {
    return nobody(fault instanceof Error ? fault.message : String(fault))
  }
}

function nobody(detail: string): CanaryReport {
  return { heard: false, step: 'identity', detail }
}

/** Times are in the embedded metric format, as a filter cannot tell what is missing from what is slow. */
function logReport({ heard, ...report }: CanaryReport, at: number, log: Log): void {
  const { acceptanceMs } = report
  const values = {
    ...(acceptanceMs !== undefined && { [CANARY_ACCEPTANCE_TIME]: Math.round(acceptanceMs) }),
    ...('deviceMs' in report && { [CANARY_DEVICE_TIME]: Math.round(report.deviceMs) }),
  }
  const fields = { ...report, ...values, ...metricsOf(Object.keys(values), at) }
  if (heard) log.info('the canary was heard', fields)
  else log.error('the canary was not heard', fields)
}

function metricsOf(names: readonly string[], at: number) {
  if (names.length === 0) return {}
  const Metrics = names.map((Name) => ({ Name, Unit: 'Milliseconds' }))
  const metric = { Namespace: METRIC_NAMESPACE, Dimensions: [['stage']], Metrics }
  return { _aws: { Timestamp: Math.round(at), CloudWatchMetrics: [metric] } }
}
