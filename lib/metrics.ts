import {
  CANARY_ACCEPTANCE_TIME,
  CANARY_DEVICE_TIME,
  COUNTED_TOPIC,
  DELIVERY_TIME,
  METRIC_NAMESPACE,
  NOTIFICATIONS,
  STORED_DELIVERY_TIME,
} from '@heliograph/protocol/metrics'
import type { OutcomeKind } from '@heliograph/protocol/outcome'
import { Duration } from 'aws-cdk-lib'
import { Metric, Stats, Unit } from 'aws-cdk-lib/aws-cloudwatch'
import type { StageProps } from './stage.ts'

/**
 * All our own metrics, by name: they are derived from what the functions log (`OutcomeMetrics`,
 * `CertificateWatch`, or the embedded metric format), and the dashboard and the alarms read none of
 * ours but these.
 */
export const metricNames = {
  /**
   * Count by `stage` and `outcome`; if the stage counts topics, also by `stage`, `countedTopic` and
   * one of `outcome`, `pushType` and `priority`.
   */
  notifications: NOTIFICATIONS,
  /**
   * Milliseconds from acceptance to the device's PUBACK, by `stage`, and by `stage` and `countedTopic`; without
   * those that were stored. In deliver's lines, as embedded metrics.
   */
  deliveryTime: DELIVERY_TIME,
  /** The same for notifications that were stored; only if the stage counts topics. */
  storedDeliveryTime: STORED_DELIVERY_TIME,
  /** Count by `stage` and `broadcast`: requests to publish to a channel that were `published` or `refused`. */
  broadcasts: 'Broadcasts',
  /** Count by `stage`: tokens of unregistered devices that a provider was told of. */
  gone: 'Gone',
  /** Count by `stage`: requests of devices that were dropped because they ask too often. */
  droppedRequests: 'DroppedDeviceRequests',
  /** Count by `stage`: outcomes that the queue of outcomes did not take, so that receipts lack them. */
  lostOutcomes: 'LostOutcomes',
  /** Count by `stage`: events that the queue of events did not take, so that subscribers miss them. */
  lostEvents: 'LostEvents',
  /** Milliseconds by `stage`: of the canary's runs that were accepted, and of those that were heard. In its own lines. */
  canaryAcceptance: CANARY_ACCEPTANCE_TIME,
  canaryDevice: CANARY_DEVICE_TIME,
  /** Days, by `stage` and `certificate`. */
  daysLeft: 'CertificateDaysLeft',
} as const

export const metricNamespace = METRIC_NAMESPACE

/** The certificates that `inspect` reports on. */
export const inspectedCertificates = [
  'provider-authority',
  'device-authority',
  'truststore',
] as const

export type InspectedCertificate = (typeof inspectedCertificates)[number]

function countMetric(
  stage: StageProps,
  name: 'notifications' | 'broadcasts' | 'gone' | 'lostOutcomes' | 'droppedRequests',
  label: string,
  more: Readonly<Record<string, string>> = {},
): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metricNames[name],
    dimensionsMap: { stage: stage.name, ...more },
    statistic: Stats.SUM,
    period: Duration.minutes(1),
    label,
  })
}

/** Notifications that came to this outcome. */
export function notificationsMetric(stage: StageProps, outcome: OutcomeKind): Metric {
  return countMetric(stage, 'notifications', outcome, { outcome })
}

/** Requests to publish to a channel. */
export function broadcastsMetric(stage: StageProps, broadcast: 'published' | 'refused'): Metric {
  return countMetric(stage, 'broadcasts', `broadcasts ${broadcast}`, { broadcast })
}

/** As `notificationsMetric`, of one counted topic or `OTHER_TOPICS`. */
export function topicMetric(
  stage: StageProps,
  topic: string,
  outcome: OutcomeKind,
  label: string,
): Metric {
  return countMetric(stage, 'notifications', label, { [COUNTED_TOPIC]: topic, outcome })
}

/** Time to the device of one counted topic or `OTHER_TOPICS`, directly or from storage. */
export function topicTimeMetric(
  stage: StageProps,
  topic: string,
  time: 'deliveryTime' | 'storedDeliveryTime',
): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metricNames[time],
    dimensionsMap: { stage: stage.name, [COUNTED_TOPIC]: topic },
    statistic: Stats.percentile(90),
    unit: Unit.MILLISECONDS,
    period: Duration.minutes(1),
    label: `${topic}, p90`,
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
  return countMetric(stage, 'gone', 'answered 410')
}

export function lostOutcomesMetric(stage: StageProps): Metric {
  return countMetric(stage, 'lostOutcomes', 'outcomes lost')
}

export function lostEventsMetric(stage: StageProps): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metricNames.lostEvents,
    dimensionsMap: { stage: stage.name },
    statistic: Stats.SUM,
    period: Duration.minutes(1),
    label: 'events lost',
  })
}

/** Requests of devices beyond their allowance; each environment reports a device once a minute. */
export function droppedRequestsMetric(stage: StageProps): Metric {
  return countMetric(stage, 'droppedRequests', 'requests dropped')
}

/** The longest of a minute, in which there is one run. */
export function canaryMetric(
  stage: StageProps,
  time: 'canaryAcceptance' | 'canaryDevice',
  label: string,
): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: metricNames[time],
    dimensionsMap: { stage: stage.name },
    statistic: Stats.MAXIMUM,
    unit: Unit.MILLISECONDS,
    period: Duration.minutes(1),
    label,
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
