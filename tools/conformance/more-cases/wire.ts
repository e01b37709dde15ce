import { quoted, row, TOPIC, twice, UUID } from './row.ts'

const repeats: [string, ReturnType<typeof twice>][] = [
  ['dup-id', twice('apns-id', UUID)],
  ['dup-priority', twice('apns-priority', '10')],
  ['dup-priority-differs', twice('apns-priority', '10', '5')],
  ['dup-expiration', twice('apns-expiration', '0')],
  ['dup-type', twice('apns-push-type', 'alert')],
  ['dup-topic-differs', twice('apns-topic', TOPIC, 'com.other.app')],
  ['dup-collapse', twice('apns-collapse-id', 'k')],
  ['dup-collapse-commas', twice('apns-collapse-id', 'a b')],
  ['dup-unknown-apns', twice('apns-channel-id', 'a')],
  ['dup-empty', twice('apns-priority', '')],
]
const repeatCases = repeats.map(([id, rawHeaders]) =>
  row('wire')({
    id,
    title: `${rawHeaders[0]?.[0]} twice`,
    change: { rawHeaders },
    refusal: [400, 'DuplicateHeaders'],
  }),
)
const otherHeaders = [
  row('wire')({
    id: 'host-only',
    title: 'host in place of :authority (Apple’s samples, aioapns)',
    change: { pseudo: 'host-only' },
    basis: 'observed',
  }),
  row('wire')({
    id: 'unknown-headers',
    title: 'headers that nobody knows',
    change: { headers: { 'apns-unknown': 'x', 'x-y': 'z', cookie: 'a=b' } },
  }),
  ...['text/plain', 'application/octet-stream', 'multipart/form-data; boundary="a,b"', ''].map(
    (type, index) =>
      row('wire')({
        id: `ct-${index}`,
        title: `content-type ${quoted(type)} is ignored`,
        change: { headers: { 'content-type': type } },
      }),
  ),
  row('wire')({
    id: 'auth-ignored',
    title: 'a certificate and an authorization that no one could read',
    auth: 'any',
    change: { headers: { authorization: 'Basic é' } },
    basis: 'apple',
  }),
]

/** Two faults at once: the one that is checked first is told (docs/provider-api.md, order of checks). */

export const wireCases = [...repeatCases, ...otherHeaders]
