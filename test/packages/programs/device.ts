/** A device: activates, registers, prints its token and the first notification, and ends. */
import { readFileSync } from 'node:fs'
import { type Notification, openDevice } from '@heliograph/device'

const [url = '', code = '', ca = '', topic = ''] = process.argv.slice(2)

const device = await openDevice({
  directory: 'state',
  activation: { url, code, ca: readFileSync(ca, 'utf8') },
})
const received = new Promise<Notification>((resolve) => {
  device.onNotification(async (notification) => resolve(notification))
})
await device.connect()
console.log(`token ${await device.register(topic)}`)
console.log(`payload ${(await received).payloadText}`)
await device.close()
