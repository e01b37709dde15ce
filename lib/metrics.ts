import { Duration } from 'aws-cdk-lib'
import { Metric, Stats, Unit } from 'aws-cdk-lib/aws-cloudwatch'
import type { StageProps } from './stage.ts'

/**
 * Every metric of our own, by name: what the functions log becomes these (`OutcomeMetrics`,
 * `CertificateWatch`), and dashboard and alarms read nothing else of ours.
 */
export const metricNames = {
  /** Count by `stage` and `outcome`. */
  notifications: 'Notifications',
  /** Milliseconds from acceptance to the device's PUBACK, by `stage`; without those that were stored. */
  deliveryTime: 'DeliveryTime',
  /** Count by `stage`: tokens of unregistered devices that a provider was told of. */
  gone: 'Gone',
  /** Days, by `stage` and `certificate`. */
  daysLeft: 'CertificateDaysLeft',
} as const

export const metricNamespace = 'Heliograph'

/** What can become of a notification, in the words of `core/outcome.ts`. */
export const outcomes = [
  'accepted',
  'stored',
  'delivered',
  'drained',
  'coalesced',
  'expired',
  'unregistered',
  'undeliverable',
  'duplicate',
  'dead-lettered',
] as const

export type Outcome = (typeof outcomes)[number]

/** The certificates that `inspect` reports on. */
export const inspectedCertificates = [
  'provider-authority',
  'device-authority',
  'truststore',
] as const

export type InspectedCertificate = (typeof inspectedCertificates)[number]

/** Notifications that came to this outcome. */
export function notificationsMetric(stage: StageProps, outcome: Outcome): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metricNames.notifications,
    dimensionsMap: { stage: stage.name, outcome },
    statistic: Stats.SUM,
    period: Duration.minutes(1),
    label: outcome,
  })
}

export function deliveryTimeMetric(stage: StageProps, percentile: number): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metricNames.deliveryTime,
    dimensionsMap: { stage: stage.name },
    statistic: Stats.percentile(percentile),
    unit: Unit.MILLISECONDS,
    period: Duration.minutes(1),
    label: `delivered, p${percentile}`,
  })
}

export function goneMetric(stage: StageProps): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metricNames.gone,
    dimensionsMap: { stage: stage.name },
    statistic: Stats.SUM,
    period: Duration.minutes(1),
    label: 'answered 410',
  })
}

/** The least that was reported in a day. */
export function daysLeftMetric(stage: StageProps, certificate: InspectedCertificate): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metricNames.daysLeft,
    dimensionsMap: { stage: stage.name, certificate },
    statistic: Stats.MINIMUM,
    period: Duration.days(1),
    label: certificate,
  })
}
