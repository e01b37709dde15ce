import { quoted, row, UUID } from './row.ts'

const identifiers = [
  { id: 'id-upper', title: 'apns-id in upper case comes back so', value: UUID.toUpperCase() },
  { id: 'id-mixed', title: 'apns-id in both cases', value: '123E4567-e89b-12D3-a456-4266554400aF' },
  { id: 'id-nil', title: 'apns-id of zeros', value: '00000000-0000-0000-0000-000000000000' },
  { id: 'id-any-version', title: 'no version is asked of the UUID', value: UUID.replace('1', 'f') },
].map(({ id, title, value }) =>
  row('identifier')({ id, title, change: { headers: { 'apns-id': value } } }),
)

const badIdentifiers = [
  { id: 'id-empty', value: '' },
  { id: 'id-no-dashes', value: UUID.replaceAll('-', '') },
  { id: 'id-braces', value: `{${UUID}}` },
  { id: 'id-urn', value: `urn:uuid:${UUID}` },
  { id: 'id-short', value: UUID.slice(1) },
  { id: 'id-long', value: `${UUID}0` },
  { id: 'id-non-hex', value: UUID.replace('a', 'g') },
  { id: 'id-non-ascii', value: UUID.replace('a', 'é') },
  { id: 'id-300', value: 'x'.repeat(300) },
].map(({ id, value }) =>
  row('identifier')({
    id,
    title: `apns-id ${quoted(value)}`,
    change: { headers: { 'apns-id': value } },
    refusal: [400, 'BadMessageId'],
  }),
)

const badPriorities = ['', '00', '010', '10.0', '+10', '-1', '7', '100', '1e1', '１０', '5 5'].map(
  (value, index) =>
    row('priority')({
      id: `prio-bad-more-${index}`,
      title: `priority ${quoted(value)}`,
      change: { headers: { 'apns-priority': value } },
      refusal: [400, 'BadPriority'],
    }),
)

const expirations: [string, string, string?][] = [
  ['exp-past', '1000000000', 'accepted; too late to be delivered'],
  ['exp-negative', '-1', 'seconds that a client cast to 32 bits'],
  ['exp-milliseconds', '1795444921898', 'far away: at most 30 days'],
  ['exp-near', 'now+1'],
  ['exp-31-days', 'now+2678400'],
]
const goodExpirations = expirations.map(([id, value, why]) =>
  row('expiration')({
    id,
    title: `expiration ${quoted(value)}${why ? `: ${why}` : ''}`,
    change: { headers: { 'apns-expiration': value } },
  }),
)
const badExpirations = ['tomorrow', '1e9', '0x10', '+5', '1,5', '٣', '--1', '9'.repeat(40)].map(
  (value, index) =>
    row('expiration')({
      id: `exp-bad-more-${index}`,
      title: `expiration ${quoted(value)}`,
      change: { headers: { 'apns-expiration': value } },
      // a comma looks like a repeated header
      refusal: [400, value.includes(',') ? 'DuplicateHeaders' : 'BadExpirationDate'],
    }),
)

const collapseIds: [string, string, boolean][] = [
  ['collapse-empty', '', true],
  ['collapse-1', 'k', true],
  ['collapse-comma', 'chat,42', true],
  ['collapse-utf8-64', 'é'.repeat(32), true],
  ['collapse-utf8-66', 'é'.repeat(33), false],
  ['collapse-emoji-64', '🛰'.repeat(16), true],
  ['collapse-emoji-68', '🛰'.repeat(17), false],
  ['collapse-300', 'k'.repeat(300), false],
]
const collapses = collapseIds.map(([id, value, good]) =>
  row('collapse-id')({
    id,
    title: `collapse id of ${Buffer.byteLength(value)} bytes`,
    change: { headers: { 'apns-collapse-id': value } },
    ...(!good && { refusal: [400, 'BadCollapseId'] as const }),
  }),
)

export const headerCases = [
  ...identifiers,
  ...badIdentifiers,
  ...badPriorities,
  ...goodExpirations,
  ...badExpirations,
  ...collapses,
]
