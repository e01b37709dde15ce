import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Deduplication } from '../src/sqs/deduplication.ts'
import { type Message, makeMessage, md5OfAttributes, messageSize } from '../src/sqs/message.ts'
import { Queue } from '../src/sqs/queue.ts'
import { Queues } from '../src/sqs/queues.ts'
import { receive } from '../src/sqs/receive.ts'

beforeEach(() => vi.useFakeTimers({ now: Date.parse('2026-06-01') }))
afterEach(() => vi.useRealTimers())

let told: string[]
const observer = {
  put: (_queue: Queue, { body }: Message) => void told.push(`put ${body}`),
  gone: ({ body }: Message) => void told.push(`gone ${body}`),
  emptied: (queue: Queue) => void told.push(`emptied ${queue.name}`),
}
const queues = new Queues()

function makeQueue(attributes: Record<string, string> = {}, name = 'q'): Queue {
  told = []
  const queue = new Queue(
    { name, url: `http://q/${name}`, arn: `arn:${name}` },
    attributes,
    observer,
  )
  queues.add(queue)
  return queue
}

const message = (body: string, more: Partial<Message> = {}): Message => ({
  ...makeMessage({ body, attributes: {}, delaySeconds: 0, groupId: undefined }),
  ...more,
})
const send = (queue: Queue, body: string, group?: string) =>
  queue.enqueue(
    message(
      body,
      group === undefined
        ? {}
        : { messageGroupId: group, sequenceNumber: queue.nextSequenceNumber() },
    ),
  )
const take = (queue: Queue, max = 10, seconds?: number) =>
  queue.receive(max, seconds, (arn) => queues.byArn(arn))
const bodies = (queue: Queue, max?: number) => take(queue, max).map((one) => one.message.body)
const waiting = (queue: Queue, seconds: number) =>
  receive(queues, queue, { max: 10, waitMs: seconds * 1000 })

describe('a queue', () => {
  test('gives at most what is asked for, in order, and each message once', () => {
    const queue = makeQueue()
    for (const body of ['1', '2', '3']) send(queue, body)
    expect(bodies(queue, 2)).toEqual(['1', '2'])
    expect(bodies(queue)).toEqual(['3'])
    expect(bodies(queue)).toEqual([])
  })

  test('is fair: of the group that has the fewest in flight it gives first', () => {
    const queue = makeQueue()
    for (const body of ['noisy 1', 'noisy 2', 'noisy 3', 'noisy 4']) send(queue, body, 'noisy')
    expect(bodies(queue, 2)).toEqual(['noisy 1', 'noisy 2'])
    for (const body of ['quiet 1', 'quiet 2']) send(queue, body, 'quiet')
    send(queue, 'of no group')
    expect(bodies(queue, 2)).toEqual(['quiet 1', 'of no group'])
    expect(bodies(queue, 1)).toEqual(['quiet 2'])
    expect(bodies(queue)).toEqual(['noisy 3', 'noisy 4'])
  })

  test('is fair again when what was in flight is gone', () => {
    const queue = makeQueue()
    for (const body of ['a 1', 'a 2']) send(queue, body, 'a')
    for (const { receiptHandle } of take(queue, 1)) queue.delete(receiptHandle)
    send(queue, 'b 1', 'b')
    expect(bodies(queue)).toEqual(['a 2', 'b 1'])
  })

  test('gives a message again when its time-out has passed, to one who waits as well', async () => {
    const queue = makeQueue({ VisibilityTimeout: '30' })
    send(queue, 'x')
    const [first] = take(queue)
    const again = waiting(queue, 60)
    await vi.advanceTimersByTimeAsync(29_999)
    expect(queue.depth()).toEqual({ visible: 0, inFlight: 1, delayed: 0 })
    await vi.advanceTimersByTimeAsync(1)
    const [second] = await again
    expect(second?.message).toMatchObject({ body: 'x', approximateReceiveCount: 2 })
    expect(queue.delete(first?.receiptHandle ?? '')).toBe(false)
    expect(queue.delete(second?.receiptHandle ?? '')).toBe(true)
  })

  test('a longer time-out holds, a shorter one wakes who waits', async () => {
    const queue = makeQueue({ VisibilityTimeout: '30' })
    send(queue, 'x')
    const { receiptHandle = '' } = take(queue)[0] ?? {}
    expect(queue.changeVisibility(receiptHandle, 100)).toBe(true)
    const again = waiting(queue, 1000)
    await vi.advanceTimersByTimeAsync(99_000)
    expect(queue.depth().inFlight).toBe(1)
    queue.changeVisibility(receiptHandle, 10)
    await vi.advanceTimersByTimeAsync(9_999)
    expect(queue.depth().inFlight).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await again).toHaveLength(1)
  })

  test('a delayed message wakes who waits when it is due', async () => {
    const queue = makeQueue()
    queue.enqueue(message('x', { delayUntil: Date.now() + 5000 }))
    const received = waiting(queue, 20)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(queue.depth()).toEqual({ visible: 0, inFlight: 0, delayed: 1 })
    await vi.advanceTimersByTimeAsync(1)
    expect(await received).toHaveLength(1)
  })

  test('of two who wait one gets the message, the other goes on waiting', async () => {
    const queue = makeQueue()
    const both = [waiting(queue, 5), waiting(queue, 5)]
    send(queue, 'x')
    await vi.advanceTimersByTimeAsync(5_000)
    expect((await Promise.all(both)).map(({ length }) => length).sort()).toEqual([0, 1])
  })

  test('sets no timer that nobody waits for', async () => {
    const queue = makeQueue({ VisibilityTimeout: '30' })
    send(queue, 'x')
    send(queue, 'y')
    await waiting(queue, 20)
    const second = waiting(queue, 20)
    await vi.advanceTimersByTimeAsync(20_000)
    await second
    expect(vi.getTimerCount()).toBe(0)
  })

  test('tells what becomes of messages after it has happened', () => {
    const queue = makeQueue()
    send(queue, 'a')
    send(queue, 'b')
    queue.delete(take(queue, 1)[0]?.receiptHandle ?? '')
    queue.purge()
    expect(told).toEqual(['put a', 'put b', 'gone a', 'emptied q'])
    expect([...queue.messages()]).toEqual([])
  })

  test('takes back what it held and tells nobody', () => {
    const queue = makeQueue()
    queue.restore([message('a'), message('later', { delayUntil: Date.now() + 1000 })], 7)
    expect(told).toEqual([])
    expect(queue.depth()).toEqual({ visible: 1, inFlight: 0, delayed: 1 })
    expect(queue.nextSequenceNumber()).toBe('00000000000000000008')
  })

  test('drops what has waited longer than it keeps messages', () => {
    const queue = makeQueue({ MessageRetentionPeriod: '60' })
    send(queue, 'old')
    vi.advanceTimersByTime(30_000)
    send(queue, 'new')
    vi.advanceTimersByTime(30_001)
    queue.dropOld()
    expect(bodies(queue)).toEqual(['new'])
  })

  test('gives what was received too often to its dead-letter queue, and fills up with others', () => {
    const dead = makeQueue({}, 'dead')
    const policy = JSON.stringify({ deadLetterTargetArn: 'arn:dead', maxReceiveCount: '1' })
    const queue = makeQueue({ RedrivePolicy: policy, VisibilityTimeout: '0' })
    send(queue, 'bad')
    take(queue)
    expect(queue.depth().visible).toBe(1)
    send(queue, 'good')
    expect(bodies(queue, 1)).toEqual(['good'])
    expect(take(dead)[0]?.message).toMatchObject({ body: 'bad', sourceArn: 'arn:q' })
  })

  test('keeps everything where the dead-letter queue is not there', () => {
    const policy = JSON.stringify({ deadLetterTargetArn: 'arn:none', maxReceiveCount: 1 })
    const queue = makeQueue({ RedrivePolicy: policy, VisibilityTimeout: '0' })
    send(queue, 'x')
    for (const count of [1, 2, 3])
      expect(take(queue)[0]?.message.approximateReceiveCount).toBe(count)
  })

  test('a closed one ends its waits and gives nothing more', async () => {
    const queue = makeQueue()
    const ended = waiting(queue, 20)
    queue.close()
    send(queue, 'x')
    expect(await ended).toEqual([])
    expect(await waiting(queue, 0)).toEqual([])
  })
})

describe('a FIFO queue', () => {
  const fifo = () => makeQueue({ FifoQueue: 'true', VisibilityTimeout: '30' })

  test('gives one of each group, and the next when that one is gone', () => {
    const queue = fifo()
    for (const body of ['a1', 'a2', 'b1']) send(queue, body, body.charAt(0))
    const [first, second, ...more] = take(queue)
    expect([first, second].map((one) => one?.message.body)).toEqual(['a1', 'b1'])
    expect(more).toEqual([])
    expect(bodies(queue)).toEqual([])
    queue.delete(first?.receiptHandle ?? '')
    expect(bodies(queue)).toEqual(['a2'])
  })

  test('puts what comes back before what was sent after it', () => {
    const queue = fifo()
    send(queue, 'a1', 'a')
    take(queue)
    send(queue, 'a2', 'a')
    vi.advanceTimersByTime(30_000)
    expect(bodies(queue)).toEqual(['a1'])
  })

  test('wakes who waits for the next of a group', async () => {
    const queue = fifo()
    send(queue, 'a1', 'a')
    send(queue, 'a2', 'a')
    const [first] = take(queue)
    const next = waiting(queue, 20)
    queue.delete(first?.receiptHandle ?? '')
    expect((await next)[0]?.message.body).toBe('a2')
  })

  test('forgets after five minutes what it has taken', () => {
    const deduplication = new Deduplication<string>()
    deduplication.add('id', 'first')
    vi.advanceTimersByTime(299_999)
    expect(deduplication.find('id')).toBe('first')
    vi.advanceTimersByTime(1)
    expect(deduplication.find('id')).toBeUndefined()
  })
})

describe('message attributes', () => {
  const attributes = {
    b: { DataType: 'String', StringValue: 'é' },
    a: { DataType: 'Binary', BinaryValue: 'AAEC/w==' },
    n: { DataType: 'Number.int', StringValue: '1' },
  }

  test('have the digest that SQS tells', () => {
    expect(md5OfAttributes(attributes)).toBe('e8551f3d6d3c906257deb3674d437290')
    expect(md5OfAttributes({})).toBe('')
  })

  test('count with the body: names, types and values', () => {
    // 2 for the body; b String é = 9, a Binary 4 bytes = 11, n Number.int 1 = 12
    expect(messageSize('é', attributes)).toBe(2 + 9 + 11 + 12)
  })
})
