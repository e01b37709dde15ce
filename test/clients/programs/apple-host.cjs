// Loaded before a client that knows no other host than Apple's: leads that name to the embedded edge. What the
// client says there, TLS included, is its own.
const tls = require('node:tls')

const { APPLE_HOST_PORT, APPLE_HOST_CA } = process.env
const ca = require('node:fs').readFileSync(APPLE_HOST_CA)
const { connect } = tls

tls.connect = (...args) => {
  const options = args.find((one) => typeof one === 'object' && one !== null) ?? {}
  const [port] = args.filter((one) => typeof one === 'number')
  const host = options.servername || options.host || args.find((one) => typeof one === 'string')
  if (host !== 'api.push.apple.com') return connect(...args)
  const listener = args.find((one) => typeof one === 'function')
  const edge = { host: 'localhost', servername: 'localhost', port: Number(APPLE_HOST_PORT), ca }
  return connect({ ...options, ...(port && { port }), ...edge }, listener)
}
