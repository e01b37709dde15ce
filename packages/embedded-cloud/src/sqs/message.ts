import { createHash, randomUUID } from 'node:crypto'

export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  /** Base64. */
  readonly BinaryValue?: string
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>

/** A message as a queue and the journal on disk hold it. */
export interface Message {
  readonly messageId: string
  readonly body: string
  readonly md5OfBody: string
  readonly messageAttributes: MessageAttributes
  /** Empty if there are none. */
  readonly md5OfMessageAttributes: string
  /** Milliseconds since 1970, as all times here. */
  readonly sentTimestamp: number
  approximateReceiveCount: number
  approximateFirstReceiveTimestamp?: number
  readonly delayUntil?: number | undefined
  readonly messageGroupId?: string | undefined
  readonly messageDeduplicationId?: string | undefined
  /** Of a FIFO queue: 20 digits. */
  readonly sequenceNumber?: string
  /** ARN of the queue that a redrive took the message from. */
  sourceArn?: string
}

export interface MessageContent {
  readonly body: string
  readonly attributes: MessageAttributes
  readonly delaySeconds: number
  readonly groupId: string | undefined
}

export function makeMessage(content: MessageContent): Message {
  const now = Date.now()
  const { body, attributes, delaySeconds, groupId } = content
  return {
    messageId: randomUUID(),
    body,
    md5OfBody: md5(body),
    messageAttributes: attributes,
    md5OfMessageAttributes: md5OfAttributes(attributes),
    sentTimestamp: now,
    approximateReceiveCount: 0,
    ...(delaySeconds > 0 ? { delayUntil: now + delaySeconds * 1000 } : {}),
    ...(groupId === undefined ? {} : { messageGroupId: groupId }),
  }
}

/** What counts toward the limits: the body, and name, type and value of each attribute; bytes. */
export function messageSize(body: string, attributes: MessageAttributes): number {
  const sizes = Object.entries(attributes).map(
    ([name, attribute]) => byteLength(name, attribute.DataType) + bytesOf(attribute).length,
  )
  return sizes.reduce((sum, size) => sum + size, byteLength(body))
}

function byteLength(...texts: string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

function bytesOf({ StringValue, BinaryValue = '' }: MessageAttribute): Buffer {
  return StringValue === undefined ? Buffer.from(BinaryValue, 'base64') : Buffer.from(StringValue)
}

function md5(content: string | Uint8Array): string {
  return createHash('md5').update(content).digest('hex')
}

/** "Calculating the MD5 message digest for message attributes" in the SQS developer guide; '' for none. */
export function md5OfAttributes(attributes: MessageAttributes): string {
  const names = Object.keys(attributes).sort()
  return names.length === 0 ? '' : md5(Buffer.concat(names.flatMap((name) => encode(name))))

  function encode(name: string): Buffer[] {
    const attribute = attributes[name] as MessageAttribute
    const transport = Buffer.from([attribute.StringValue === undefined ? 2 : 1])
    return [
      ...withLength(Buffer.from(name)),
      ...withLength(Buffer.from(attribute.DataType)),
      transport,
      ...withLength(bytesOf(attribute)),
    ]
  }
}

function withLength(bytes: Buffer): [Buffer, Buffer] {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return [length, bytes]
}
