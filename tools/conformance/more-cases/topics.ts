import { pushTypes } from '@heliograph/protocol/push-type'
import { quoted, REGISTERED, row, TOPIC } from './row.ts'

const types = Object.entries(pushTypes).map(([type, { suffix }]) =>
  row('push-type')({
    id: `type-on-its-topic-${type}`,
    title: `push type ${type} on its topic`,
    change: { headers: { 'apns-topic': TOPIC + suffix, 'apns-push-type': type } },
    given: REGISTERED,
    basis: 'apple',
  }),
)
const typeMismatches = Object.entries(pushTypes)
  .filter(([, { suffix }]) => suffix !== '')
  .map(([type]) =>
    row('push-type')({
      id: `type-on-plain-topic-${type}`,
      title: `push type ${type} on the plain topic`,
      change: { headers: { 'apns-push-type': type } },
      refusal: [400, 'BadTopic'],
    }),
  )
const badTypes = ['', 'Alert', 'ALERT', 'constructor', '__proto__', 'voip ptt', 'é'].map(
  (value, index) =>
    row('push-type')({
      id: `type-bad-more-${index}`,
      title: `push type ${quoted(value)}`,
      change: { headers: { 'apns-push-type': value } },
      refusal: [400, 'InvalidPushType'],
    }),
)
const absentTypes = [
  row('push-type')({
    id: 'type-absent-voip',
    title: 'no push type on a voip topic: 5120 bytes all the same',
    change: {
      headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': undefined },
      bodyBytes: 5120,
    },
    given: REGISTERED,
  }),
]

const topics = [
  row('topic')({
    id: 'topic-absent-single',
    title: 'no topic, certificate with one',
    auth: 'cert-single',
    change: { headers: { 'apns-topic': undefined } },
    basis: 'apple',
  }),
  row('topic')({
    id: 'topic-empty-single',
    title: 'empty topic, certificate with one',
    auth: 'cert-single',
    change: { headers: { 'apns-topic': '' } },
  }),
  row('topic')({
    id: 'topic-empty-multi',
    title: 'empty topic, certificate with several',
    auth: 'cert-multi',
    change: { headers: { 'apns-topic': '' } },
    refusal: [400, 'MissingTopic'],
  }),
  row('topic')({
    id: 'topic-second-of-multi',
    title: 'a topic of the list that is not the UID',
    auth: 'cert-multi',
    change: { headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' } },
    given: REGISTERED,
    basis: 'apple',
  }),
  row('topic')({
    id: 'topic-suffixed-not-in-single',
    title: 'a suffixed topic is another topic',
    auth: 'cert-single',
    change: { headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' } },
    refusal: [400, 'BadTopic'],
  }),
  ...['com.example.APP', 'com.example.app.', '.com.example.app', 'com example app', 'é', '../x']
    .concat('x'.repeat(300))
    .map((value, index) =>
      row('topic')({
        id: `topic-bad-${index}`,
        title: `topic ${quoted(value)}`,
        change: { headers: { 'apns-topic': value } },
        refusal: [400, 'BadTopic'],
      }),
    ),
]

export const topicCases = [...types, ...typeMismatches, ...badTypes, ...absentTypes, ...topics]
