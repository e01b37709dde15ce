import {
  readMessage,
  readMulticast,
  writeMessage,
  writeMulticast,
} from '@heliograph/aws/notification-queue'
import { outcomeOf, parseOutcomes, serializeOutcomes } from '@heliograph/core/outcome'
import { describe, expect, test } from 'vitest'
import { notification } from '../../../test/contract/samples.ts'
import type { Deployment } from '../src/deployment.ts'
import {
  dropDeadLetters,
  peekDeadLetters,
  redriveDeadLetters,
} from '../src/operations/dead-letters.ts'

interface Command {
  readonly input: {
    readonly QueueUrl?: string
    readonly MessageBody?: string
    readonly Entries?: readonly { readonly MessageBody: string }[]
    readonly ReceiptHandle?: string
    readonly FunctionName?: string
    readonly Payload?: string
  }
}

/** A stage whose dead letters are these. */
class Stage {
  /** Queue or function and message of what was handed over again. */
  readonly sent: [to: string | undefined, body: string][] = []
  /** Receipts of letters that left the queue, and of those that were shown again. */
  readonly removed: (string | undefined)[] = []
  readonly shown: (string | undefined)[] = []
  readonly deployment: Deployment
  /** Says whether the queue takes a batch. */
  takesBatch = true
  #left: { Body: string; MessageId: string; ReceiptHandle: string }[]

  constructor(bodies: readonly string[], more: Readonly<Record<string, string>> = {}) {
    this.#left = bodies.map((Body, at) => ({ Body, MessageId: `m${at}`, ReceiptHandle: `r${at}` }))
    const client = { send: async (command: Command) => this.#answer(command) }
    const names = { NotificationQueue: 'notifications', NotificationDeadLetters: 'dead' }
    const outputs = { ...names, EventDeadLetters: 'dead', OutcomeDeadLetters: 'dead', ...more }
    const clients = { sqs: client, lambda: client }
    this.deployment = { clients, outputs } as unknown as Deployment
  }

  #answer(command: Command): object {
    const { input } = command
    switch (command.constructor.name) {
      case 'SendMessageCommand':
        this.sent.push([input.QueueUrl, input.MessageBody ?? ''])
        return {}
      case 'SendMessageBatchCommand':
        if (!this.takesBatch) return { Failed: [{ Id: '0' }] }
        for (const { MessageBody } of input.Entries ?? [])
          this.sent.push([input.QueueUrl, MessageBody])
        return {}
      case 'InvokeCommand':
        this.sent.push([input.FunctionName, input.Payload ?? ''])
        return {}
      case 'DeleteMessageCommand':
        this.removed.push(input.ReceiptHandle)
        return {}
      case 'ChangeMessageVisibilityCommand':
        this.shown.push(input.ReceiptHandle)
        return {}
      default: {
        const Messages = this.#left
        this.#left = []
        return { Messages }
      }
    }
  }
}

const [fresh, slot] = [writeMessage(notification(), false), writeMessage(notification(), true)]
const several = [notification(), notification(), notification()]
const multicast = writeMulticast(several.map((one, receives) => ({ notification: one, receives })))
const outcomes = serializeOutcomes(several.map((one) => outcomeOf('stored', one, 0)))

function event(name: string, more: object = { requestPayload: { topic: 'com.example.app' } }) {
  const functionArn = `arn:aws:lambda:eu-central-1:123456789012:function:${name}:$LATEST`
  return JSON.stringify({
    requestContext: { functionArn, condition: 'RetriesExhausted' },
    ...more,
  })
}

describe('a notification that was given up', () => {
  test('goes back to the queue that it came from: a slot to that of slots', async () => {
    const stage = new Stage([fresh, slot], { SlotQueue: 'slots' })
    const redriven = await redriveDeadLetters(stage.deployment, 'notifications')
    expect(redriven).toEqual({ redriven: 2, left: 0 })
    expect(stage.sent.map(([to, body]) => [to, readMessage(body)])).toEqual([
      ['notifications', readMessage(fresh)],
      ['slots', readMessage(slot)],
    ])
    expect(stage.removed).toEqual(['r0', 'r1'])
  })

  test('of an earlier version has one queue for both', async () => {
    const stage = new Stage([slot])
    await redriveDeadLetters(stage.deployment, 'notifications')
    expect(stage.sent.map(([to, body]) => [to, readMessage(body)])).toEqual([
      ['notifications', readMessage(slot)],
    ])
  })
})

describe('a multicast that was given up', () => {
  test('is one letter that names its first recipient and counts the others', async () => {
    const stage = new Stage([multicast, fresh])
    const [first, second] = await peekDeadLetters(stage.deployment, 'notifications', 10)
    const [one] = several
    expect(first?.about).toBe(
      `notification ${one?.id} for ${one?.topic} to ${one?.deviceId} and 2 more of the same request`,
    )
    expect(second?.about).toMatch(/^notification \S+ for \S+ to \S+$/)
    expect(first?.notification).toMatchObject({ deviceId: one?.deviceId, topic: one?.topic })
    expect([stage.removed, stage.shown]).toEqual([[], ['r0', 'r1']])
  })

  test('goes back whole, and each recipient begins anew', async () => {
    const stage = new Stage([multicast])
    const redriven = await redriveDeadLetters(stage.deployment, 'notifications')
    expect(redriven).toEqual({ redriven: 1, left: 0 })
    expect(stage.sent.map(([to, body]) => [to, readMulticast(body)])).toEqual([
      ['notifications', several.map((one) => ({ notification: one, receives: 0 }))],
    ])
    expect(stage.removed).toEqual(['r0'])
  })

  test('stays where the queue does not take it', async () => {
    const stage = new Stage([multicast])
    stage.takesBatch = false
    expect(await redriveDeadLetters(stage.deployment, 'notifications')).toEqual({
      redriven: 0,
      left: 1,
    })
    expect([stage.sent, stage.removed, stage.shown]).toEqual([[], [], ['r0']])
  })
})

describe('an event that a function failed on', () => {
  const functions = { RegisterFunction: 'stage-register' }

  test('goes back to a function for devices, as it came', async () => {
    const stage = new Stage([event('stage-register')], functions)
    expect(await redriveDeadLetters(stage.deployment, 'events')).toEqual({ redriven: 1, left: 0 })
    expect(stage.sent).toEqual([['stage-register', '{"topic":"com.example.app"}']])
  })

  test.each([
    ['names another function of the account', event('payroll')],
    ['holds no event, as those of a stream', event('stage-register', {})],
    ['is not of Lambda', 'x'],
  ])('stays where it %s', async (_what, body) => {
    const stage = new Stage([body], functions)
    expect(await redriveDeadLetters(stage.deployment, 'events')).toEqual({ redriven: 0, left: 1 })
    expect([stage.sent, stage.removed, stage.shown]).toEqual([[], [], ['r0']])
  })
})

describe('outcomes that were not kept', () => {
  test('go back to their queue', async () => {
    const stage = new Stage([outcomes, '{}'], { OutcomeQueue: 'outcomes' })
    expect(await redriveDeadLetters(stage.deployment, 'outcomes')).toEqual({ redriven: 1, left: 1 })
    expect(stage.sent.map(([to, body]) => [to, parseOutcomes(body)])).toEqual([
      ['outcomes', parseOutcomes(outcomes)],
    ])
  })

  test('stay where the stage has no queue of outcomes', async () => {
    const stage = new Stage([outcomes])
    expect(await redriveDeadLetters(stage.deployment, 'outcomes')).toEqual({ redriven: 0, left: 1 })
  })
})

test('letters are told by what they are about, never by what they say', async () => {
  const bodies = [outcomes, event('stage-renew'), '{"ruleName":"heliograph_x_connect"}', '{}', 'x']
  const letters = await peekDeadLetters(new Stage(bodies).deployment, 'events', 10)
  expect(letters.map(({ about }) => about)).toEqual([
    'outcomes of 3 notifications',
    'stage-renew failed: RetriesExhausted',
    'rule heliograph_x_connect failed',
    'not a message of this service',
    'not a message of this service',
  ])
})

describe('long work on a queue', () => {
  const bodies = [fresh, fresh, 'x', fresh]

  test('says how far it is', async () => {
    const told: [number, number][] = []
    const stop = new AbortController().signal
    const progress = (done: number, left: number) => void told.push([done, left])
    await redriveDeadLetters(new Stage(bodies).deployment, 'notifications', { progress, stop })
    expect(told).toEqual([
      [1, 0],
      [2, 0],
      [2, 1],
      [3, 1],
    ])
  })

  test.each(['redrive', 'drop'])(
    '%s stops between letters, and shows the others again',
    async (kind) => {
      const stage = new Stage(bodies)
      const stopping = new AbortController()
      const work = { progress: () => stopping.abort(), stop: stopping.signal }
      const done =
        kind === 'drop'
          ? await dropDeadLetters(stage.deployment, 'notifications', undefined, work)
          : (await redriveDeadLetters(stage.deployment, 'notifications', work)).redriven
      expect(done).toBe(1)
      expect([stage.removed, stage.shown]).toEqual([['r0'], ['r1', 'r2', 'r3']])
    },
  )

  test('on a machine goes on in steps until nothing is left', async () => {
    const steps: number[] = []
    let left = 250
    const machine = {
      redriveDeadLetters: async (most: number) => {
        const some = Math.min(most, left)
        left -= some
        steps.push(some)
        return some
      },
    }
    const deployment = { machine } as unknown as Deployment
    expect(await redriveDeadLetters(deployment, 'notifications')).toEqual({
      redriven: 250,
      left: 0,
    })
    expect(steps).toEqual([100, 100, 50])
  })
})
