import { type Reason, type Retry, rejections } from '@heliograph/protocol/rejection'

/** What an answer of the provider edge means, for a person. */
export interface Explanation {
  readonly meaning: string
  readonly advice: string
  /** Absent where nothing was refused. */
  readonly retry?: Retry
  readonly blame?: 'provider' | 'device' | 'service'
}

/** By reason: what it means and what to do; docs/provider-api.md says when each is given. */
const explanations: Readonly<Record<Reason, readonly [meaning: string, advice: string]>> = {
  BadCollapseId: ['The collapse id is longer than 64 bytes.', 'Shorten apns-collapse-id.'],
  BadChannelId: [
    'The channel id is not one of this service.',
    'Send apns-channel-id as it was answered when the channel was created: 24 letters and digits.',
  ],
  BadDeviceToken: [
    'This is not a device token of this deployment: it was mistyped, comes from another one, or was made with a retired token key.',
    'Look with "token inspect". Take the token out of your list, and use the one that the app registers next.',
  ],
  BadExpirationDate: [
    'The expiration is not a whole number of seconds, or not one that the channel can have.',
    'Send apns-expiration as UNIX seconds, or 0 for a single attempt; to a channel that stores nothing, 0 or none.',
  ],
  BadMessageId: ['The apns-id is not a UUID.', 'Send a UUID of the form 8-4-4-4-12, or none.'],
  BadPriority: ['The priority is not known.', 'Send apns-priority 10, 5 or 1, or none.'],
  BadRequestParams: [
    'The apns-request-id is not a UUID.',
    'Send a UUID of the form 8-4-4-4-12, or none.',
  ],
  BadRequestPayload: [
    'The body does not describe a channel.',
    'Send {"message-storage-policy":0 or 1,"push-type":"LiveActivity"}.',
  ],
  BadTopic: [
    'The topic is not a bundle id, the certificate does not name it, or it lacks the suffix of the push type.',
    'Compare apns-topic with the topics of the certificate ("provider list") and with the push type.',
  ],
  CannotCreateChannelConfig: [
    'The topic has as many channels as it can have.',
    'Delete channels that are over: 10,000 is the most for one bundle id.',
  ],
  ChannelNotRegistered: [
    'The bundle id has no such channel: it was deleted, belongs to another bundle id, or was created at another deployment.',
    'Compare with the list of the channels of the bundle id, and create a new one if it is gone.',
  ],
  DeviceTokenNotForTopic: [
    'The token belongs to another topic than the one in the request.',
    'Look with "token inspect" which topic it is for, and keep tokens by topic.',
  ],
  DuplicateHeaders: ['A header of the request appears twice.', 'Send each apns- header once.'],
  IdleTimeout: [
    'The body of the request was not complete in time.',
    'Send it again on a new connection.',
  ],
  InvalidPushType: [
    'The push type is not known.',
    'Use one of the push types in docs/provider-api.md, in lower case.',
  ],
  MissingChannelId: ['The request names no channel.', 'Send apns-channel-id.'],
  MissingDeviceToken: [
    'The request names no device token.',
    'Put the token into the path: /3/device/<token>.',
  ],
  MissingPushType: [
    'A request about a channel must say its push type.',
    'Send apns-push-type: liveactivity with a broadcast, and "push-type":"LiveActivity" with a new channel.',
  ],
  MissingTopic: [
    'The request names no topic, and the credential does not tell which.',
    'Send apns-topic.',
  ],
  PayloadEmpty: [
    'There is no payload, or it is not one JSON object in UTF-8.',
    'Send a JSON object, for example {"aps":{"alert":"Hello"}}.',
  ],
  TopicDisallowed: [
    'The key of the provider token does not name the topic.',
    'Compare apns-topic with the topics of the key ("provider key list"); each suffix is a topic of its own.',
  ],
  BadCertificate: [
    'The client certificate is not good: not from this provider CA, not on record, expired, not valid yet, or revoked.',
    'Look with "provider list", and issue another one with "provider issue".',
  ],
  ExpiredProviderToken: [
    'The provider token was made more than an hour ago, or in the future.',
    'Make a new token at least every hour, and check the clock of the provider.',
  ],
  InvalidProviderToken: [
    'The provider token cannot be verified: its form, its algorithm, its key, its team or its signature is wrong, or certificates are demanded here.',
    'Check the token with "provider key check"; compare kid and iss with "provider key list".',
  ],
  MissingProviderToken: [
    'There was neither a client certificate nor a provider token.',
    'Send with a certificate, or with authorization: bearer <token>.',
  ],
  TopicMismatch: [
    'The certificate or key does not name the bundle id in the path.',
    'Compare the path with the topics of the certificate ("provider list") or the key ("provider key list").',
  ],
  BadPath: ['There is no such path.', 'Send to /3/device/<token>.'],
  MethodNotAllowed: ['The method is not POST.', 'Send with POST.'],
  Unregistered: [
    'The app is no longer registered on this device: it gave the topic up, or the device was revoked.',
    'Send nothing more to this token, unless the device has registered again since the time in the answer.',
  ],
  ExpiredToken: [
    'The operator has ended this token.',
    'Send nothing more to this token, and use the one that the app registers next.',
  ],
  PayloadTooLarge: [
    'The payload is larger than 4,096 bytes (5,120 for voip).',
    'Make it smaller, for example by a reference that the app fetches.',
  ],
  TooManyRequests: [
    'There were too many requests for this token, with this credential, or at the edge.',
    'Wait, and send again with a growing pause.',
  ],
  InternalServerError: [
    'The edge could not reach the service.',
    'Send again later with the same apns-id; look with "doctor" if it lasts.',
  ],
  ServiceUnavailable: [
    'A part of the service failed or was too slow.',
    'Send again later with the same apns-id; look with "doctor" if it lasts.',
  ],
}

const accepted: Explanation = {
  meaning: 'The notification is in the queue, and will not be lost.',
  advice: 'Its receipt says what becomes of it ("notification show" with the apns-unique-id).',
}

/** Explains a status and reason of the provider edge, also one that this version does not know. */
export function explainAnswer(status: number, reason?: string): Explanation {
  if (status === 200) return accepted
  if (reason === undefined || !isReason(reason))
    return {
      meaning: `The edge answered ${status}, which is not an answer of this service.`,
      advice: 'Look with "doctor" what is between this machine and the service.',
    }
  const [meaning, advice] = explanations[reason]
  const { retry, blame } = rejections[reason]
  return { meaning, advice, retry, blame }
}

function isReason(text: string): text is Reason {
  return Object.hasOwn(rejections, text)
}
