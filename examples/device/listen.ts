/**
 * A device: activates once, registers for a topic and prints what it receives, until Ctrl-C.
 *
 *   npx tsx examples/device/listen.ts [topic] [state directory] [local.json of `npm start`] [channel]
 */
import { readFileSync } from 'node:fs'
import { openDevice } from '@heliograph/device'

const [
  topic = 'com.example.app',
  directory = '.heliograph/example-device',
  local = '.heliograph/local.json',
  channel,
] = process.argv.slice(2)
const { url, code, ca } = JSON.parse(readFileSync(local, 'utf8')).activation

const device = await openDevice({
  directory,
  activation: { url, code, ca: readFileSync(ca, 'utf8') },
})

device.onNotification(async ({ id, topic, channel, stored, payloadText }) => {
  // Save it before this returns: then it is acknowledged and will not come again.
  const from = channel ? `${topic}, channel` : topic
  console.log(`${from} ${id}${stored ? ' (waited for us)' : ''}: ${payloadText}`)
})
device.on('disconnected', ({ cause, retryInMs }) => {
  if (retryInMs !== undefined) console.error(`${cause}; trying again in ${retryInMs} ms`)
})
device.on('error', (error) => console.error(error.message))
device.on('token', ({ topic, token }) => console.log(`send to ${topic} with the token ${token}`))

process.once('SIGINT', () => device.close())

await device.connect()
console.log(`device ${device.deviceId} is connected`)
const token = await device.register(topic)
console.log(`registered: ${token}`)
if (channel) await device.join(channel)
