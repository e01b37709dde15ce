/**
 * How often, and how soon, what failed is tried again: the one place that the rules, the functions,
 * the stacks and the documents take it from.
 */

/**
 * How often the queue hands a message out before it goes to the dead-letter queue. Lambda's own
 * throttling counts as a receipt, so with few attempts a busy account would lose notifications.
 */
export const MAX_RECEIVES = 8

/**
 * How often a throttled notification is tried for its own sake. IoT Core lets a connection have 100
 * messages a second: of a flood to one device the rest is coalesced, as if it were offline, instead
 * of circling in the queue until the queue gives it up.
 */
export const BUSY_ATTEMPTS = 4

/** How long a slot rests before the queue tries it again, if its device is connected but silent. */
export const SLOT_RETRY_SECONDS = 4

/**
 * How long nothing waits for a device that has just failed to acknowledge, milliseconds. Short, as a
 * device may only have been busy for a moment; less than a slot rests, so that its retry is a real one.
 */
export const FIRST_SILENCE_MS = 1_000

/**
 * Each further attempt that is not acknowledged doubles the silence, up to this. What a device that
 * never answers can keep waiting is then one attempt a minute and execution environment.
 */
export const LONGEST_SILENCE_MS = 64_000

/**
 * Whole seconds before a message that has been handed out `receives` times is handed out again:
 * twice as long each time, with a random value between half of it and all of it, because messages
 * that were throttled together must not come back together. `chance` is from 0 to 1.
 */
export function backOffSeconds(receives: number, chance: number): number {
  return Math.ceil(2 ** Math.max(1, receives) * (0.5 + chance / 2))
}

/** Seconds that deliver may work on a batch: two direct messages of 5 s and a put fit in. */
export const DELIVER_TIMEOUT_SECONDS = 20

/**
 * Recipients of one message that deliver processes at the same time, in one execution environment.
 * Each waits for its device on a separate connection, and opening a hundred takes a small function
 * a second.
 */
export const RECIPIENTS_AT_ONCE = 64

/**
 * A recipient that was not started within this time, milliseconds, goes back to the queue
 * untouched: one that is started just before it still has time for two direct messages and a put.
 */
export const BEGIN_WITHIN_MS = 8_000

/**
 * What waits for a device in order is sent one after the other. A drain starts none after this time,
 * milliseconds, and leaves the rest to another: one that is started just before it still has time
 * for its direct message, also where the drain began `BEGIN_WITHIN_MS` late.
 */
export const DRAIN_WITHIN_MS = 4_000

/**
 * What waits in order has one message that is tried again: that of the newest notification. The
 * others end after a failure if the newest was accepted at most this long ago, milliseconds: half of
 * the time that its own message takes, at the least, to use up its attempts.
 */
export const LEFT_TO_NEWEST_MS = 60_000

/**
 * When a message that its function neither finished nor postponed comes back: six times the
 * function's timeout, as Lambda recommends, so that a throttled batch is not delivered twice.
 */
export const VISIBILITY_SECONDS = 6 * DELIVER_TIMEOUT_SECONDS

/** Seconds that `record` may work on a batch of outcomes. */
export const RECORD_TIMEOUT_SECONDS = 60

/** Six times the function's timeout, and the longest that a batch may take to fill. */
export const RECORD_VISIBILITY_SECONDS = 6 * RECORD_TIMEOUT_SECONDS + 300

/** Seconds that `announce` may take to publish the events in ten messages. */
export const ANNOUNCE_TIMEOUT_SECONDS = 10

/** Six times the function's timeout; so long what SNS did not take rests. */
export const ANNOUNCE_VISIBILITY_SECONDS = 6 * ANNOUNCE_TIMEOUT_SECONDS

/** With a minute in between, SNS may fail for an hour before an event is given up. */
export const MAX_ANNOUNCEMENTS = 60

/** How often Lambda repeats a record of a stream after its first failure. */
export const STREAM_RETRIES = 10

/**
 * How often the clients of AWS make a call, the first time included. The pauses in between are the
 * SDK's own ("standard mode"), also in the lean clients.
 */
export const callAttempts = {
  /** Someone waits for the answer: a provider has it within 5 s, whatever happens. */
  hurried: 2,
  /** A repeat would push the same message again; what to do is deliver's decision. */
  directMessage: 1,
  /** Nobody waits, and the control planes throttle early. */
  patient: 4,
  /** A person is waiting, and would have to repeat the whole command. */
  command: 3,
  /** IoT Core's control plane takes ten calls a second of most kinds, from the whole account. */
  registryCommand: 8,
} as const
