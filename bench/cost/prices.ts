/**
 * List prices in US dollars, us-east-1, first tier, without free tier. "read" = read on AWS's own
 * page; "known" = general knowledge, confirmed by third-party summaries only.
 */
export const PRICES_AS_OF = '2026-11'

export interface Price {
  readonly usd: number
  /** Units that the price is for. */
  readonly per: number
  readonly unit: string
  readonly source: string
}

const million = 1_000_000

export const prices = {
  httpApi: {
    usd: 1.0,
    per: million,
    unit: 'HTTP API request (512 kB)',
    source: 'known: API Gateway pricing',
  },
  lambdaRequest: {
    usd: 0.2,
    per: million,
    unit: 'Lambda invocation',
    source: 'known: AWS Lambda pricing',
  },
  lambdaGigabyteSecond: {
    usd: 0.0000133334,
    per: 1,
    unit: 'Lambda GB-second, arm64',
    source: 'known: AWS Lambda pricing',
  },
  sqs: {
    usd: 0.4,
    per: million,
    unit: 'SQS standard request (64 kB)',
    source: 'known: Amazon SQS pricing',
  },
  sns: {
    usd: 0.5,
    per: million,
    unit: 'SNS publish of up to ten events (64 kB)',
    source: 'known: Amazon SNS pricing; deliveries to queues and functions are free',
  },
  iotMessage: {
    usd: 1.0,
    per: million,
    unit: 'IoT Core message (5 kB)',
    source: 'read: AWS IoT Core pricing',
  },
  directMessage: {
    usd: 1.0,
    per: million,
    unit: 'IoT Core direct message',
    source: 'assumed: one metered message; we found no separate price published by AWS',
  },
  iotMinute: {
    usd: 0.08,
    per: million,
    unit: 'IoT Core connection minute',
    source: 'read: AWS IoT Core pricing',
  },
  ruleTriggered: {
    usd: 0.15,
    per: million,
    unit: 'IoT rule triggered',
    source: 'read: AWS IoT Core pricing',
  },
  ruleAction: { usd: 0.15, per: million, unit: 'IoT rule action', source: 'known' },
  dynamoRead: {
    usd: 0.125,
    per: million,
    unit: 'DynamoDB read unit (4 kB, strongly consistent)',
    source: 'third party: airbyte.com, after the price cut of November 2024',
  },
  dynamoWrite: {
    usd: 0.625,
    per: million,
    unit: 'DynamoDB write unit (1 kB)',
    source: 'third party: airbyte.com, after the price cut of November 2024',
  },
  logGigabyte: {
    usd: 0.5,
    per: 1,
    unit: 'GB into CloudWatch Logs',
    source: 'known: Amazon CloudWatch pricing',
  },
  metricMonth: {
    usd: 0.3,
    per: 1,
    unit: 'CloudWatch custom metric, a month',
    source: 'known: Amazon CloudWatch pricing',
  },
  metricRequest: {
    usd: 10,
    per: million,
    unit: 'metric requested with GetMetricData',
    source: 'known: Amazon CloudWatch pricing',
  },
  transferGigabyte: {
    usd: 0.09,
    per: 1,
    unit: 'GB out to the internet',
    source: 'known: Amazon EC2 pricing, data transfer',
  },
} as const satisfies Record<string, Price>

export type PriceName = keyof typeof prices

/** Amounts of priced units. */
export type Amounts = Partial<Record<PriceName, number>>

export function dollars(name: PriceName, amount: number): number {
  return (amount * prices[name].usd) / prices[name].per
}

/** Other services' list prices for a million notifications. */
export const peers = [
  {
    name: 'A store-before-send design on IoT publish',
    usd: 6.58,
    source: 'a comparison that was handed to this project, not looked up',
    lacks: 'the comparison: a write, three metered messages and a delete for every notification',
  },
  {
    name: 'Amazon SNS mobile push',
    usd: 1.0,
    source:
      'a comparison that was handed to this project, not looked up: $0.50 to publish, $0.50 to deliver',
    lacks: "the last mile: it hands over to Apple's or Google's service, whose connections it uses",
  },
] as const
