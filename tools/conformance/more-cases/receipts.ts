import { row } from './row.ts'

const PATH = '/3/notification'
/** No other case sends a notification under this id. */
const UUID = 'b1a5e0de-0000-4000-8000-000000000000'

/** Ids without a receipt for the asker; every one is answered alike. */
const unknown: readonly (readonly [id: string, title: string, path: string])[] = [
  ['receipt-nobodys', 'an id that nobody has', `${PATH}/${UUID}`],
  ['receipt-upper', 'an id that nobody has, in upper case', `${PATH}/${UUID.toUpperCase()}`],
  ['receipt-no-uuid', 'an id that is no UUID', `${PATH}/x`],
  ['receipt-no-dashes', 'a UUID without dashes', `${PATH}/${UUID.replaceAll('-', '')}`],
  ['receipt-braces', 'a UUID in braces', `${PATH}/%7B${UUID}%7D`],
  ['receipt-long', 'an id of 1,000 characters', `${PATH}/${'a'.repeat(1_000)}`],
]

export const receiptCases = [
  ...unknown.map(([id, title, path]) =>
    row('receipt')({
      ...{ id, title, refusal: [404, 'BadPath'] },
      change: { method: 'GET', path, body: '' },
    }),
  ),
  row('receipt')({
    ...{ id: 'receipt-post', title: 'a receipt cannot be written' },
    change: { path: `${PATH}/${UUID}` },
    refusal: [404, 'BadPath'],
  }),
  row('receipt')({
    ...{ id: 'receipt-no-credential', title: 'who may not send may not ask', auth: 'none' },
    change: { method: 'GET', path: `${PATH}/${UUID}`, body: '' },
    refusal: [403, 'MissingProviderToken'],
  }),
  row('receipt')({
    ...{ id: 'receipt-by-key', title: 'a provider key may ask', auth: 'jwt' },
    change: { method: 'GET', path: `${PATH}/${UUID}`, body: '' },
    refusal: [404, 'BadPath'],
  }),
]
