import {
  type Fingerprint,
  type ProviderKeyId,
  parseTopic,
  type Topic,
} from '@heliograph/protocol/identifiers'
import { type Rejection, reject } from '@heliograph/protocol/rejection'

/** Who sends a request, once it is known: what the credential says, whichever kind it is. */
export interface AuthenticatedProvider {
  readonly credential: 'certificate' | 'key'
  /** What their share is counted by. */
  readonly id: Fingerprint | ProviderKeyId
  readonly topics: readonly Topic[]
}

/**
 * The topic of a request: from its header, or the only one of a certificate. A token must be sent with
 * one, as at Apple: what its key names is not in it.
 */
export function resolveTopic(
  { credential, topics }: AuthenticatedProvider,
  header: string | undefined,
): Topic | Rejection {
  const only = credential === 'certificate' && topics.length === 1 ? topics[0] : undefined
  if (!header) return only ?? missing
  const topic = parseTopic(header)
  if (!topic) return reject('BadTopic', 'apns-topic is not a bundle id')
  return topics.includes(topic) ? topic : foreignTopic(credential, topic)
}

const missing = reject('MissingTopic', 'the credential does not say which topic: send apns-topic')

/** The reasons that APNs clients know for each (apns-contract §5 and §15.1). */
function foreignTopic(credential: AuthenticatedProvider['credential'], topic: Topic): Rejection {
  const reason = credential === 'certificate' ? 'BadTopic' : 'TopicDisallowed'
  return reject(reason, `topic ${topic} is not in this ${credential}`)
}
