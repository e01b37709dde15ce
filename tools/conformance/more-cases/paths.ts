import { placeholders } from '../case.ts'
import { PATH, row, TOPIC } from './row.ts'

const methods = ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'post', 'FOO'].map((method) =>
  row('method-path')({
    id: `method-${method}`,
    title: `${method} to a device`,
    change: { method, body: '' },
    refusal: [405, 'MethodNotAllowed'],
    basis: 'apple',
  }),
)
const paths: [string, string, number, string][] = [
  ['path-root', '/', 404, 'BadPath'],
  ['path-3', '/3', 404, 'BadPath'],
  ['path-3-device', '/3/device', 404, 'BadPath'],
  ['path-devices', `/3/devices/${placeholders.live}`, 404, 'BadPath'],
  ['path-upper', `/3/Device/${placeholders.live}`, 404, 'BadPath'],
  ['path-double-slash', `//3/device/${placeholders.live}`, 404, 'BadPath'],
  ['path-2', `/2/device/${placeholders.live}`, 404, 'BadPath'],
  ['path-broadcast', '/4/broadcasts/com.example.app', 404, 'BadPath'],
  ['path-feedback-post', '/3/feedback', 404, 'BadPath'],
  ['path-bad-escape', '/%zz', 404, 'BadPath'],
  ['token-slash', `${PATH}/`, 400, 'BadDeviceToken'],
  ['token-more-path', `${PATH}/x`, 400, 'BadDeviceToken'],
]
const badPathCases = paths.map(([id, path, status, reason]) =>
  row('method-path')({
    id,
    title: `path ${path.replace(placeholders.live, '<token>')}`,
    change: { path },
    // an edge that cannot decode a path knows no device
    refusal: [status, reason],
  }),
)
const goodPaths = [
  row('method-path')({
    id: 'path-query',
    title: 'a query changes nothing',
    change: { path: `${PATH}?a=b` },
  }),
  row('method-path')({
    id: 'path-escaped',
    title: 'an escaped character of the path counts as itself',
    change: { path: PATH.replace('/3/', '/%33/') },
  }),
]

const badTokens: [string, string][] = [
  ['token-one-digit-less', placeholders.live.slice(1)],
  ['token-two-digits-less', placeholders.live.slice(2)],
  ['token-one-digit-more', `${placeholders.live}0`],
  ['token-never-issued', placeholders.never_issued],
  ['token-160', placeholders.long],
  ['token-1-digit', 'a'],
  ['token-dashes', placeholders.never_issued.replace(/(.{8})/g, '$1-')],
  ['token-escape-cut', '%'],
  ['token-escape-bad', '%zz'],
  ['token-space', `${placeholders.live}%20`],
  ['token-nul', `${placeholders.live}%00`],
  ['token-2000-digits', 'a'.repeat(2_000)],
]
const tokenCases = badTokens.map(([id, token]) =>
  row('device-token')({
    id,
    title: `device token of ${token.length} characters`,
    change: { path: `/3/device/${token}` },
    refusal: [400, 'BadDeviceToken'],
  }),
)
const deadTokens = [
  row('device-token')({
    id: 'token-dead-upper',
    title: 'a dead token in upper case',
    given: 'the token "dead" was unregistered at a known time',
    change: { path: `/3/device/${placeholders.dead.toUpperCase()}` },
    refusal: [410, 'Unregistered'],
  }),
  row('device-token')({
    id: 'token-dead-other-topic',
    title: 'a dead token sent to for another topic of the certificate: dead comes first',
    given: 'the token "dead" was unregistered at a known time',
    change: {
      path: `/3/device/${placeholders.dead}`,
      headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' },
    },
    refusal: [410, 'Unregistered'],
  }),
]

export const pathCases = [...methods, ...badPathCases, ...goodPaths, ...tokenCases, ...deadTokens]
