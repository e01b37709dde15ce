import {
  ANNOUNCE_VISIBILITY_SECONDS,
  MAX_ANNOUNCEMENTS,
  MAX_RECEIVES,
  RECORD_VISIBILITY_SECONDS,
  VISIBILITY_SECONDS,
} from '@heliograph/protocol/retry'
import { Duration } from 'aws-cdk-lib'
import type { IDestination, IEventSourceDlq } from 'aws-cdk-lib/aws-lambda'
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import { longestRetention, removalOnceDeployed } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import { acknowledge } from './acknowledge.ts'
import type { Grantee } from './grantee.ts'

/** Both lines of defense are free: encryption with SQS's own key, and no unencrypted transport. */
const guarded = {
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
} as const satisfies QueueProps

/** A queue that only an operator empties. */
export class DeadLetterQueue extends Construct {
  readonly queue: Queue

  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    this.queue = new Queue(this, 'Queue', {
      ...guarded,
      retentionPeriod: longestRetention,
      removalPolicy: removalOnceDeployed(stage),
    })
    acknowledge(this, 'SQS3', 'This queue is where others send what they give up')
  }

  /** Permits Lambda to put here, with the error, what the function failed to work on. */
  takeFrom(sender: Grantee): FailureDestination {
    sender.allow(['sqs:SendMessage'], [this.queue.queueArn])
    return { bind: () => ({ destination: this.queue.queueArn }) }
  }
}

/** Serves as `onFailure` of asynchronous invocations and of event source mappings. */
export type FailureDestination = IDestination & IEventSourceDlq

/**
 * The queue between accept and deliver. A standard queue: order is kept by `seq`, and message
 * groups only keep one topic from delaying the others (fair queues).
 */
export class NotificationQueue extends Construct {
  readonly queue: Queue
  readonly deadLetters: DeadLetterQueue

  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters', stage)
    this.queue = new Queue(this, 'Queue', workedByDeliver(this.deadLetters, stage))
  }

  /** Tells the function the queue and permits sending. */
  grantSend(grantee: Grantee): void {
    grantee.set(variable.notificationQueue, this.queue.queueUrl)
    grantee.allow(['sqs:SendMessage'], [this.queue.queueArn])
  }

  /** Permits sending back what is left of a message to many devices, or giving it up. */
  grantSendRest(grantee: Grantee): void {
    this.grantSend(grantee)
    grantee.set(variable.deadLetterQueue, this.deadLetters.queue.queueUrl)
    grantee.allow(['sqs:SendMessage'], [this.deadLetters.queue.queueArn])
  }
}

/**
 * The slots that deliver should try: those of devices that have just connected, and of silent
 * devices after a rest. A separate queue with its own concurrency, because an attempt at a silent
 * device waits for seconds, and nothing that comes from accept may have to wait for that.
 */
export class SlotQueue extends Construct {
  readonly queue: Queue

  /** `deadLetters`: what a fault kept from being tried; the slot itself stays in its table. */
  constructor(
    scope: Construct,
    id: string,
    { stage, deadLetters }: { readonly stage: StageProps; readonly deadLetters: DeadLetterQueue },
  ) {
    super(scope, id)
    this.queue = new Queue(this, 'Queue', workedByDeliver(deadLetters, stage))
  }

  /** Tells the function the queue and permits sending. */
  grantSend(grantee: Grantee): void {
    grantee.set(variable.slotQueue, this.queue.queueUrl)
    grantee.allow(['sqs:SendMessage'], [this.queue.queueArn])
  }
}

/**
 * Outcomes on their way to `record`, which processes them in large batches: they may wait, and
 * nothing waits for them.
 */
export class OutcomeQueue extends Construct {
  readonly queue: Queue
  /** What could not be kept. */
  readonly deadLetters: DeadLetterQueue
  /** Which outcomes belong here. */
  readonly settings: StageProps['receipts']
  /** What the log counts them as. */
  readonly countedTopics: readonly string[]

  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    this.settings = stage.receipts
    this.countedTopics = stage.countedTopics
    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters', stage)
    this.queue = new Queue(this, 'Queue', {
      ...guarded,
      retentionPeriod: Duration.days(4),
      removalPolicy: removalOnceDeployed(stage),
      visibilityTimeout: Duration.seconds(RECORD_VISIBILITY_SECONDS),
      deadLetterQueue: { queue: this.deadLetters.queue, maxReceiveCount: MAX_RECEIVES },
    })
  }

  /** Tells the function the queue and which outcomes belong there, and permits sending. */
  grantSend(grantee: Grantee): void {
    grantee.set(variable.outcomeQueue, this.queue.queueUrl)
    grantee.set(variable.receipts, JSON.stringify(this.settings))
    grantee.set(variable.countedTopics, JSON.stringify(this.countedTopics))
    grantee.allow(['sqs:SendMessage'], [this.queue.queueArn])
  }
}

/** Events on their way to `announce`; nothing waits for them. */
export class AnnouncementQueue extends Construct {
  readonly queue: Queue
  /** What SNS did not take in an hour. */
  readonly deadLetters: DeadLetterQueue
  /** Which events belong here. */
  readonly settings: StageProps['events']

  constructor(scope: Construct, id: string, stage: StageProps) {
    super(scope, id)
    this.settings = stage.events
    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters', stage)
    this.queue = new Queue(this, 'Queue', {
      ...guarded,
      retentionPeriod: Duration.days(4),
      removalPolicy: removalOnceDeployed(stage),
      visibilityTimeout: Duration.seconds(ANNOUNCE_VISIBILITY_SECONDS),
      deadLetterQueue: { queue: this.deadLetters.queue, maxReceiveCount: MAX_ANNOUNCEMENTS },
    })
  }

  /** Tells the function the queue and which events belong there, and permits sending. */
  grantSend(grantee: Grantee): void {
    grantee.set(variable.announcementQueue, this.queue.queueUrl)
    grantee.set(variable.events, JSON.stringify(this.settings))
    grantee.allow(['sqs:SendMessage'], [this.queue.queueArn])
  }
}

function workedByDeliver(deadLetters: DeadLetterQueue, stage: StageProps): QueueProps {
  return {
    ...guarded,
    retentionPeriod: Duration.days(4),
    removalPolicy: removalOnceDeployed(stage),
    visibilityTimeout: Duration.seconds(VISIBILITY_SECONDS),
    deadLetterQueue: { queue: deadLetters.queue, maxReceiveCount: MAX_RECEIVES },
  }
}
