import { type Change, row, TOPIC, twice } from './row.ts'

/** Two faults at once: the one that is checked first is told (docs/provider-api.md, order of checks). */
const orders: [string, Change, readonly [number, string]][] = [
  ['method<path', { method: 'GET', path: '/nowhere', body: '' }, [405, 'MethodNotAllowed']],
  [
    'path<duplicate',
    { path: '/nowhere', rawHeaders: twice('apns-topic', TOPIC) },
    [404, 'BadPath'],
  ],
  ['no token<id', { path: '/3/device/', headers: { 'apns-id': 'x' } }, [400, 'MissingDeviceToken']],
  [
    'duplicate<id',
    { headers: { 'apns-id': 'x' }, rawHeaders: twice('apns-priority', '10') },
    [400, 'DuplicateHeaders'],
  ],
  [
    'id<topic',
    { headers: { 'apns-id': 'x', 'apns-topic': 'com.other.app' } },
    [400, 'BadMessageId'],
  ],
  [
    'topic<type',
    { headers: { 'apns-topic': 'com.other.app', 'apns-push-type': 'x' } },
    [400, 'BadTopic'],
  ],
  [
    'type<priority',
    { headers: { 'apns-push-type': 'x', 'apns-priority': 'x' } },
    [400, 'InvalidPushType'],
  ],
  [
    'priority<expiration',
    { headers: { 'apns-priority': 'x', 'apns-expiration': 'x' } },
    [400, 'BadPriority'],
  ],
  [
    'expiration<collapse',
    { headers: { 'apns-expiration': 'x', 'apns-collapse-id': 'k'.repeat(65) } },
    [400, 'BadExpirationDate'],
  ],
  [
    'collapse<body',
    { headers: { 'apns-collapse-id': 'k'.repeat(65) }, body: '' },
    [400, 'BadCollapseId'],
  ],
  ['body<token', { path: '/3/device/nothex', body: '' }, [400, 'PayloadEmpty']],
  ['size<token', { path: '/3/device/nothex', bodyBytes: 4097 }, [413, 'PayloadTooLarge']],
]
export const orderCases = orders.map(([id, change, refusal]) =>
  row('order')({ id: `order-${id}`, title: `first fault told: ${id}`, change, refusal }),
)
