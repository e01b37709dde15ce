import { readFileSync } from 'node:fs'
import apn from '@parse/node-apn'
import { ended, order, tally } from './order.mjs'

const { host, port, ca, key, keyId, teamId, topic, tokens } = order
const provider = new apn.Provider({
  ...{ address: host, port, ca: [ca] },
  token: { key: readFileSync(key), keyId, teamId },
  // by itself it gives up after 5 s
  requestTimeout: 60_000,
})
const notification = new apn.Notification({ topic, pushType: 'alert', alert: 'node-apn' })
const { sent, failed } = await provider.send(notification, tokens)
for (const _ of sent) tally('200')
for (const { status, response, error } of failed)
  tally(response ? `${status} ${response.reason}` : error.message)
await provider.shutdown()
ended()
