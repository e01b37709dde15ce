import { createSign } from 'node:crypto'
import type { Pair } from '../tls.ts'
import type { Message } from './message.ts'

/** What an HTTP endpoint, a queue or a function gets of a message, in SNS's own names. */
export interface Envelope {
  readonly Type: 'Notification' | 'SubscriptionConfirmation'
  readonly MessageId: string
  readonly TopicArn: string
  readonly Message: string
  readonly Timestamp: string
  readonly Subject?: string
  readonly Token?: string
  readonly SubscribeURL?: string
  readonly MessageAttributes?: Readonly<Record<string, { Type: string; Value: string }>>
}

export interface Signature {
  readonly SignatureVersion: '1' | '2'
  readonly Signature: string
  readonly SigningCertURL: string
}

/**
 * sns:sns-verify-signature-of-message: the signed fields of each kind of message, in this order.
 */
const signedMembers = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    'Message',
    'MessageId',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type',
  ],
} as const satisfies Record<Envelope['Type'], readonly (keyof Envelope)[]>

export function envelopeOf(message: Message): Envelope {
  const attributes = Object.entries(message.attributes)
  return {
    Type: 'Notification',
    MessageId: message.messageId,
    TopicArn: message.topicArn,
    ...(message.subject === undefined ? {} : { Subject: message.subject }),
    Message: message.message,
    Timestamp: message.timestamp,
    ...(attributes.length > 0 && {
      MessageAttributes: Object.fromEntries(
        attributes.map(([name, { type: Type, value: Value }]) => [name, { Type, Value }]),
      ),
    }),
  }
}

/** Signs with RSA over SHA-1 (version 1) or SHA-256 (version 2). */
export function sign(
  envelope: Envelope,
  version: Signature['SignatureVersion'],
  { key }: Pick<Pair, 'key'>,
  certificateUrl: string,
): Signature {
  const lines = signedMembers[envelope.Type].flatMap((name) => {
    const value = envelope[name as keyof Envelope]
    return value === undefined ? [] : [`${name}\n${value}\n`]
  })
  const text = lines.join('')
  const algorithm = version === '1' ? 'RSA-SHA1' : 'RSA-SHA256'
  return {
    SignatureVersion: version,
    Signature: createSign(algorithm).update(text).sign(key, 'base64'),
    SigningCertURL: certificateUrl,
  }
}
