/**
 * A provider's door for a plain MQTT broker: HTTP/2 with client certificates in front, one MQTT
 * connection behind, 200 after the broker's PUBACK. It checks no topic and no token. Argument: a JSON
 * file with the ports and the paths of the certificates.
 */
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import mqtt from 'mqtt'

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const read = (name) => readFileSync(settings[name])
const broker = await mqtt.connectAsync({
  protocol: 'mqtts',
  host: 'localhost',
  port: settings.brokerPort,
  ca: read('serverAuthority'),
  cert: read('gatewayCert'),
  key: read('gatewayKey'),
  clientId: 'gateway',
})
const server = createSecureServer({
  cert: read('cert'),
  key: read('key'),
  ca: read('providerAuthority'),
  requestCert: true,
  rejectUnauthorized: true,
})
server.on('connection', (socket) => socket.setNoDelay())
server.on('stream', (stream, headers) => {
  const chunks = []
  stream.on('data', (chunk) => chunks.push(chunk))
  stream.on('end', () => {
    const device = headers[':path'].split('/').pop()
    broker.publish(`d/${device}`, Buffer.concat(chunks), { qos: 1 }, (error) => {
      stream.respond({ ':status': error ? 503 : 200 }, { endStream: true })
    })
  })
})
server.listen(settings.port, '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
