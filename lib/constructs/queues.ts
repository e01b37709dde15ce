import { Duration } from 'aws-cdk-lib'
import type { IDestination, IEventSourceDlq } from 'aws-cdk-lib/aws-lambda'
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { variable } from '../../lambdas/settings.ts'
import { longestRetention } from '../deployment.ts'
import { acknowledge } from './acknowledge.ts'
import type { HeliographFunction } from './function.ts'

/** Both lines of defence are free: encryption with SQS's own key, and no unencrypted transport. */
const guarded = {
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
} as const satisfies QueueProps

/** A queue that only an operator empties. */
export class DeadLetterQueue extends Construct {
  readonly queue: Queue

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.queue = new Queue(this, 'Queue', { ...guarded, retentionPeriod: longestRetention })
    acknowledge(this, 'SQS3', 'This queue is where others send what they give up')
  }

  /** Permits Lambda to put here, with the error, what the function failed to work on. */
  takeFrom(sender: HeliographFunction): FailureDestination {
    sender.allow(['sqs:SendMessage'], [this.queue.queueArn])
    return { bind: () => ({ destination: this.queue.queueArn }) }
  }
}

/** Serves as `onFailure` of asynchronous invocations and of event source mappings. */
export type FailureDestination = IDestination & IEventSourceDlq

/** Seconds that deliver may work on a batch; two direct messages of 5 s and a put fit in. */
export const deliverTimeoutSeconds = 20

/**
 * The queue between accept and deliver. A standard queue: order is kept by `seq`, and message
 * groups only keep one topic from delaying the others (fair queues).
 */
export class NotificationQueue extends Construct {
  readonly queue: Queue
  readonly deadLetters: DeadLetterQueue

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters')
    this.queue = new Queue(this, 'Queue', {
      ...guarded,
      retentionPeriod: Duration.days(4),
      // Six times the function's timeout, as Lambda asks: a throttled batch is not shown twice.
      visibilityTimeout: Duration.seconds(6 * deliverTimeoutSeconds),
      // Lambda's own throttling counts as a receipt, so few attempts would lose notifications.
      deadLetterQueue: { queue: this.deadLetters.queue, maxReceiveCount: 8 },
    })
  }

  /** Tells the function the queue and permits sending. */
  grantSend(grantee: HeliographFunction): void {
    grantee.set(variable.notificationQueue, this.queue.queueUrl)
    grantee.allow(['sqs:SendMessage'], [this.queue.queueArn])
  }
}
