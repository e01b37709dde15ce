import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { heliograph, heliographJson, openStage, welcomeOperator } from '../e2e/operator-support.ts'
import { startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

/**
 * Those who may send to the dead-letter queues write what an operator reads, and what the operator
 * hands over with rights of their own.
 */

let target: Target
beforeAll(async () => {
  target = await startTarget()
  welcomeOperator(target)
})
afterAll(() => target.close())

async function put(name: 'EventDeadLetters' | 'RuleErrors', record: object): Promise<void> {
  const { clients, outputs, close } = await openStage(target)
  const MessageBody = JSON.stringify(record)
  await clients.sqs.send(new SendMessageCommand({ QueueUrl: outputs[name], MessageBody }))
  close()
}

const functionArn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`

const recordFor = (name: string) => ({
  requestContext: { functionArn: functionArn(name), condition: 'RetriesExhausted' },
  requestPayload: { deviceId: 'none' },
})

describe('a record that names a function', () => {
  test("is handed over only to the stage's own upstream functions", async () => {
    const { outputs, clients, close } = await openStage(target)
    const others = [outputs.RotateFunction, 'heliograph-other-register', 'billing', '']
    for (const name of others) await put('EventDeadLetters', recordFor(name))
    await put('EventDeadLetters', recordFor(outputs.RegisterFunction))
    const redriven = await heliographJson<object>(target, 'dlq', 'redrive', 'events')
    expect(redriven).toEqual({ redriven: 1, left: others.length })
    const QueueUrl = outputs.EventDeadLetters
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    )
    const names = Messages.map(({ Body = '' }) => JSON.parse(Body).requestContext.functionArn)
    expect(names.sort()).toEqual(others.map(functionArn).sort())
    close()
  })
})

describe('a record that is read on a terminal', () => {
  const hostile = {
    'clears the screen': '\u001b[2J\u001b[1;1H',
    'sets the title, by C1': '\u009d0;owned\u009c',
    'forges a line': 'x\nnotifications  0',
    'goes back over the line': 'x\r\u0008\u0008',
    'turns the direction': '\u202efailed\u2066',
    'is not seen': '\u200b\ufeff\u{e0041}',
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come out
  const orders = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/

  beforeAll(async () => {
    for (const [what, text] of Object.entries(hostile))
      await put('RuleErrors', { ruleName: `rule ${text} of ${what}` })
  })

  test.each([[[]], [['--json']]])('gives it no orders: dlq list rules %s', async (form) => {
    const { out } = await heliograph(target, ['dlq', 'list', 'rules', ...form])
    expect(out).not.toMatch(orders)
    expect(out).not.toContain('\u{e0041}')
    for (const what of Object.keys(hostile)) expect(out).toContain(`of ${what}`)
  })

  test('has one line of the table, whatever it says', async () => {
    const { out } = await heliograph(target, ['dlq', 'list', 'rules'])
    const [, ...rows] = out.split('\n')
    expect(rows).toHaveLength(Object.keys(hostile).length)
    expect(rows.every((row) => /^[0-9a-f-]{36} /.test(row))).toBe(true)
  })

  test('is read as it was written from --json', async () => {
    const letters = await heliographJson<{ about: string }[]>(target, 'dlq', 'list', 'rules')
    const abouts = letters.map(({ about }) => about).sort()
    const written = Object.entries(hostile).map(
      ([what, text]) => `rule rule ${text} of ${what} failed`,
    )
    expect(abouts).toEqual(written.sort())
  })
})
