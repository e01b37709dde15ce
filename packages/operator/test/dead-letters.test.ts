import { readMessage, writeMessage } from '@heliograph/aws/notification-queue'
import { expect, test } from 'vitest'
import { notification } from '../../../test/contract/samples.ts'
import type { Deployment } from '../src/deployment.ts'
import { redriveDeadLetters } from '../src/operations/dead-letters.ts'

interface Command {
  readonly input: { readonly QueueUrl: string; readonly MessageBody?: string }
}

/** A stage whose dead-letter queue holds these; `sent` are queue and message of what goes back. */
function stageWith(bodies: readonly string[], outputs: Readonly<Record<string, string>>) {
  const sent: [string, ReturnType<typeof readMessage>][] = []
  let left = bodies.map((Body, at) => ({ Body, MessageId: `m${at}`, ReceiptHandle: `r${at}` }))
  const send = async (command: Command) => {
    const kind = command.constructor.name
    const { QueueUrl, MessageBody } = command.input
    if (kind === 'SendMessageCommand') sent.push([QueueUrl, readMessage(MessageBody ?? '')])
    if (kind !== 'ReceiveMessageCommand') return {}
    const Messages = left
    left = []
    return { Messages }
  }
  const clients = { sqs: { send } }
  const names = { NotificationQueue: 'notifications', NotificationDeadLetters: 'dead' }
  const deployment = { clients, outputs: { ...names, ...outputs } } as unknown as Deployment
  return { deployment, sent }
}

const [fresh, slot] = [writeMessage(notification(), false), writeMessage(notification(), true)]

test('a slot that was given up goes back to the queue of slots', async () => {
  const { deployment, sent } = stageWith([fresh, slot], { SlotQueue: 'slots' })
  const redriven = await redriveDeadLetters(deployment, 'notifications')
  expect(redriven).toEqual({ redriven: 2, left: 0 })
  expect(sent).toEqual([
    ['notifications', readMessage(fresh)],
    ['slots', readMessage(slot)],
  ])
})

test('an earlier version has one queue for both', async () => {
  const { deployment, sent } = stageWith([slot], {})
  await redriveDeadLetters(deployment, 'notifications')
  expect(sent).toEqual([['notifications', readMessage(slot)]])
})
