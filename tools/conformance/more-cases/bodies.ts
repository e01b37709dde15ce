import { type Change, REGISTERED, row, TOPIC } from './row.ts'

const bodies: [string, Change, (readonly [number, string])?][] = [
  ['body-object-empty', { body: '{}' }],
  ['body-spaces', { body: ' \r\n\t{"aps":{}} ' }],
  ['body-no-aps', { body: '{"a":1}' }],
  ['body-duplicate-keys', { body: '{"a":1,"a":2}' }],
  ['body-big-number', { body: '{"n":123456789012345678901234567890e400}' }],
  ['body-lone-surrogate', { body: '{"t":"\\ud800"}' }],
  ['body-nul-escaped', { body: '{"t":"\\u0000"}' }],
  ['body-nested-1300', { body: `{"a":${'['.repeat(1300)}${']'.repeat(1300)}}` }],
  ['body-proto', { body: '{"__proto__":{"a":1},"constructor":1}' }],
  ['body-utf8', { body: '{"t":"é 🛰 \u2028"}' }],
  ['body-4096', { bodyBytes: 4096 }],
  ['body-background-4097', typed('background', 4097), [413, 'PayloadTooLarge']],
  ['body-alert-5120', { bodyBytes: 5120 }, [413, 'PayloadTooLarge']],
  ['body-1-MB', { bodyBytes: 1_000_000 }, [413, 'PayloadTooLarge']],
  ['body-array', { body: '[{"aps":{}}]' }, [400, 'PayloadEmpty']],
  ['body-string', { body: '"aps"' }, [400, 'PayloadEmpty']],
  ['body-number', { body: '1' }, [400, 'PayloadEmpty']],
  ['body-null', { body: 'null' }, [400, 'PayloadEmpty']],
  ['body-true', { body: 'true' }, [400, 'PayloadEmpty']],
  ['body-blank', { body: ' ' }, [400, 'PayloadEmpty']],
  ['body-two', { body: '{}{}' }, [400, 'PayloadEmpty']],
  ['body-form', { body: 'aps=alert' }, [400, 'PayloadEmpty']],
  ['body-nan', { body: '{"n":NaN}' }, [400, 'PayloadEmpty']],
  ['body-trailing-comma', { body: '{"a":1,}' }, [400, 'PayloadEmpty']],
  ['body-nested-unclosed', { body: `{"a":${'['.repeat(4000)}` }, [400, 'PayloadEmpty']],
  ['body-bom', { bodyHex: 'efbbbf7b7d' }, [400, 'PayloadEmpty']],
  ['body-utf16', { bodyHex: 'fffe7b007d00' }, [400, 'PayloadEmpty']],
  ['body-bad-utf8', { bodyHex: '7b2274223a22ff227d' }, [400, 'PayloadEmpty']],
  ['body-cut-utf8', { bodyHex: '7b2274223a22c3227d' }, [400, 'PayloadEmpty']],
  ['body-raw-surrogate', { bodyHex: '7b2274223a22eda080227d' }, [400, 'PayloadEmpty']],
  ['body-gzip', { bodyHex: '1f8b080000000000000aab5602008b8f8b0d02000000' }, [400, 'PayloadEmpty']],
]
const plainBodies = bodies.flatMap(([id, change, refusal]) =>
  ['', 'application/json'].map((type) =>
    row('body')({
      id: type ? `${id}-as-json` : id,
      title: `${id.replace('body-', 'payload: ')}${type ? `, content-type ${type}` : ''}`,
      change: { ...change, headers: { ...change.headers, 'content-type': type || undefined } },
      ...(refusal && { refusal }),
    }),
  ),
)
const voipBodies = [
  row('body')({
    id: 'body-voip-5121',
    title: 'voip payload of 5121 bytes',
    change: {
      headers: { 'apns-topic': `${TOPIC}.voip`, 'apns-push-type': 'voip' },
      bodyBytes: 5121,
    },
    given: REGISTERED,
    refusal: [413, 'PayloadTooLarge'],
    basis: 'apple',
  }),
]

function typed(type: string, bodyBytes: number): Change {
  return { headers: { 'apns-push-type': type }, bodyBytes }
}

export const bodyCases = [...plainBodies, ...voipBodies]
