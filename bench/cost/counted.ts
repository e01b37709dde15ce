/** What a scenario took in all, as it was seen on the wire. */
export interface Counted {
  readonly scenario: string
  /** Notifications, or connects where nothing is sent. */
  readonly events: number
  /** HTTP requests of the provider. */
  readonly requests: number
  /** By function, service and action: `accept sqs SendMessage`. */
  readonly calls: Readonly<Record<string, number>>
  /** What was sent to queues, in units of 64 kB. */
  readonly queueUnits: number
  /** By function. */
  readonly invocations: Readonly<Record<string, number>>
  /** Of the functions' logs. */
  readonly logBytes: number
  /** DynamoDB write units of all puts, updates and deletes. */
  readonly writeUnits: number
  readonly readUnits: number
}
