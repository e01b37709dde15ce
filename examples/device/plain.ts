/**
 * A device without the SDK: mqtt.js, a key, and the answer to the activation. Any MQTT 3.1.1 client in
 * any language can do the same. Make the two files once, with the values of .heliograph/local.json:
 *
 *   openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=device \
 *     -keyout device.key -out device.csr
 *   jq -n --rawfile csr device.csr --arg activationCode CODE '$ARGS.named' |
 *     curl --cacert CA --json @- URL > activation.json
 *   npx tsx examples/device/plain.ts device.key activation.json [topic]
 *
 * It leaves to you: dropping repeats and overtaken notifications, retrying with back-off, storing
 * the token.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'mqtt'

const [keyFile = 'device.key', answerFile = 'activation.json', topic = 'com.example.app'] =
  process.argv.slice(2)
const { deviceId, certificate, mqtt, publish } = JSON.parse(readFileSync(answerFile, 'utf8'))

const client = connect(`mqtts://${mqtt.host}:${mqtt.port}`, {
  clientId: deviceId,
  cert: certificate,
  key: readFileSync(keyFile),
  ca: mqtt.ca,
  servername: mqtt.host,
  protocolVersion: 4,
  clean: true,
  keepalive: 60,
  manualConnect: true, // so that the handler is in place before the first message can come
})

// mqtt.js acknowledges when the callback is called. Without channels there is nothing to subscribe to.
client.handleMessage = (packet, acknowledge) => {
  console.log(packet.topic, packet.payload.toString())
  acknowledge()
}
client.on('connect', () => {
  client.publish(publish.connect, JSON.stringify({ tokens: [] }), { qos: 1 })
  client.publish(publish.register, JSON.stringify({ topic }), { qos: 1 })
})
client.on('error', (error) => console.error(error.message))
process.once('SIGINT', () => client.end())
client.connect()
