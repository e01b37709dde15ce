import { row, TOPIC } from './row.ts'

/** Provider tokens (docs/provider-api.md); a target that takes none is not asked. */
const token = row('provider-token')

const taken: readonly (readonly [auth: string, title: string])[] = [
  ['jwt', 'a raw signature (node-apn, sideshow, aioapns)'],
  ['jwt:typ', 'typ in the header (apns2 on npm)'],
  ['jwt:der', 'a DER signature (pushy, apnotic)'],
  ['jwt:padded', 'base64 with padding, + and / (dotAPNS)'],
  ['jwt:float', 'iat as a float (PyAPNs2)'],
  ['jwt:es512', 'ES512 in 132 bytes on a P-256 key (pushok)'],
  ['jwt:Bearer', 'the scheme with a capital (a2)'],
  ['jwt:59-minutes', 'iat 59 minutes ago'],
]

const refused: readonly (readonly [auth: string, title: string, reason: string])[] = [
  ['jwt:61-minutes', 'iat 61 minutes ago', 'ExpiredProviderToken'],
  ['jwt:in-61-minutes', 'iat 61 minutes ahead', 'ExpiredProviderToken'],
  ['jwt:milliseconds', 'iat in milliseconds', 'ExpiredProviderToken'],
  ['jwt:no-iat', 'no iat', 'ExpiredProviderToken'],
  ['jwt:basic', 'another scheme', 'MissingProviderToken'],
  ['jwt:hs256', 'HS256 with the public key as secret', 'InvalidProviderToken'],
  ['jwt:rs256', 'RS256', 'InvalidProviderToken'],
  ['jwt:jwk', 'a key inside the token', 'InvalidProviderToken'],
  ['jwt:x5c', 'a certificate inside the token', 'InvalidProviderToken'],
  ['jwt:jku', 'an address of keys inside the token', 'InvalidProviderToken'],
  ['jwt:crit', 'crit', 'InvalidProviderToken'],
  ['jwt:no-kid', 'no kid', 'InvalidProviderToken'],
  ['jwt:unknown-kid', 'a kid that is on no record', 'InvalidProviderToken'],
]

export const tokenCases = [
  ...taken.map(([auth, title]) =>
    token({ id: `token-taken-${auth}`, title, auth, change: {}, basis: 'apple' }),
  ),
  ...refused.map(([auth, title, reason]) =>
    token({ id: `token-refused-${auth}`, title, auth, change: {}, refusal: [403, reason] }),
  ),
  token({
    id: 'token-topic-missing',
    title: 'no topic with a token, whatever its key names',
    auth: 'jwt',
    change: { headers: { 'apns-topic': undefined } },
    refusal: [400, 'MissingTopic'],
    basis: 'apple',
  }),
  token({
    id: 'token-topic-other',
    title: 'a topic that the key does not name',
    auth: 'jwt',
    change: { headers: { 'apns-topic': 'com.other.app' } },
    refusal: [400, 'TopicDisallowed'],
  }),
  token({
    id: 'token-topic-not-one',
    title: 'a topic that is not one',
    auth: 'jwt',
    change: { headers: { 'apns-topic': `${TOPIC} x` } },
    refusal: [400, 'BadTopic'],
  }),
  token({
    id: 'token-order-id',
    title: 'first fault told: token<id',
    auth: 'jwt:unknown-kid',
    change: { headers: { 'apns-id': 'x' } },
    refusal: [403, 'InvalidProviderToken'],
  }),
  token({
    id: 'token-order-device',
    title: 'nothing of a device token without a good provider token',
    auth: 'jwt:61-minutes',
    change: { path: '/3/device/00' },
    refusal: [403, 'ExpiredProviderToken'],
  }),
]
