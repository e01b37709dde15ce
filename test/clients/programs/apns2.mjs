import { readFileSync } from 'node:fs'
import { ApnsClient, Notification } from 'apns2'
import { ended, order, tally } from './order.mjs'

const { key, keyId, teamId, topic, tokens } = order
const client = new ApnsClient({
  ...{ team: teamId, keyId, defaultTopic: topic },
  signingKey: readFileSync(key, 'utf8'),
})
const results = await client.sendMany(
  tokens.map((token) => new Notification(token, { alert: 'apns2' })),
)
for (const { error } of results)
  tally(error ? `${error.statusCode ?? ''} ${error.reason ?? error.message}` : '200')
await client.close()
ended()
