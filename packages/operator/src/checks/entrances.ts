import https from 'node:https'
import { CLOCK_SKEW_MS } from '@heliograph/core/trust/provider-trust'
import { type EdgeAnswer, withEdge } from '../operations/edge.ts'
import { spanText } from '../report.ts'
import type { Address } from '../target.ts'
import { type Check, type Finding, ok, problem, warning } from './finding.ts'
import { shakeHands } from './tls.ts'

/** Providers: name, certificate, HTTP/2, and that nobody gets in without a client certificate. */
export const providerEdgeCheck: Check = {
  name: 'provider edge',
  async run({ deployment, entrances }) {
    const { url, ca } = entrances.provider
    const endpoint = endpointOf(url, ca)
    const now = deployment.clock.now()
    const { findings, protocol } = await shakeHands('provider edge', endpoint, now, ['h2'])
    if (findings.some(({ state }) => state === 'problem')) return findings
    const http2 = judgeProtocol('provider edge', protocol)
    return [...findings, http2, await withoutCertificate(entrances.provider)]
  },
}

const PROBE = `/3/device/${'0'.repeat(64)}`

/** The handshake or accept itself must turn such a caller away. */
async function withoutCertificate(address: Address): Promise<Finding> {
  const check = 'provider edge mutual TLS'
  const status = await probe(address).then(
    (answer) => answer.status,
    () => 'handshake' as const,
  )
  if (status === 'handshake' || status === 403)
    return ok(check, 'a caller without a certificate is turned away')
  return problem(
    check,
    `a caller without a certificate got the answer ${status}: mutual TLS is off, take the domain down`,
  )
}

/**
 * The entrance for providers with tokens, if the stage has one: name, certificate, HTTP/2, and no
 * access without a token.
 */
export const tokenEdgeCheck: Check = {
  name: 'token edge',
  async run({ deployment, entrances }) {
    const { tokens } = entrances
    if (!tokens) return []
    const now = deployment.clock.now()
    const { findings, protocol } = await shakeHands(
      'token edge',
      endpointOf(tokens.url, tokens.ca),
      now,
      ['h2'],
    )
    if (findings.some(({ state }) => state === 'problem')) return findings
    return [...findings, judgeProtocol('token edge', protocol), await withoutToken(tokens)]
  },
}

function judgeProtocol(check: string, protocol: string | undefined): Finding {
  return protocol === 'h2'
    ? ok(`${check} HTTP/2`, 'h2 is negotiated by ALPN')
    : problem(`${check} HTTP/2`, 'h2 is not offered: push clients cannot connect')
}

/** Only accept itself can turn such a caller away here. */
async function withoutToken(address: Address): Promise<Finding> {
  const check = 'token edge authentication'
  const { status, body } = await probe(address)
  return status === 403 && body.includes('MissingProviderToken')
    ? ok(check, 'a caller without a token is turned away')
    : problem(check, `a caller without a token got the answer ${status}: take the domain down`)
}

function probe(address: Address): Promise<EdgeAnswer> {
  return withEdge(address, { cert: '', key: '' }, (edge) =>
    edge.request({ method: 'POST', path: PROBE, body: '{"aps":{}}' }),
  )
}

/** For new devices: the activation endpoint answers, and its clock agrees with this machine's. */
export const activationCheck: Check = {
  name: 'activation',
  async run({ deployment, entrances }) {
    const { url, ca } = entrances.activation
    const { findings } = await shakeHands('activation', endpointOf(url, ca), deployment.clock.now())
    if (findings.some(({ state }) => state === 'problem')) return findings
    const answer = await post(entrances.activation)
    return [...findings, judgeAnswer(answer), judgeClock(answer, deployment.clock.now())]
  },
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly date: string | undefined
}

function judgeAnswer({ status, body }: Answer): Finding {
  const isOurs = status === 400 && body.includes('BadRequest')
  return isOurs
    ? ok('activation answer', 'an empty request is refused as it should be')
    : problem('activation answer', `an empty request was answered with ${status}: see its log`)
}

function judgeClock({ date }: Answer, nowMs: number): Finding {
  const theirs = Date.parse(date ?? '')
  if (Number.isNaN(theirs)) return warning('clocks', 'the service told no time to compare with')
  const skew = Math.abs(theirs - nowMs)
  // HTTP dates have whole seconds
  return skew <= CLOCK_SKEW_MS
    ? ok('clocks', `this machine and the service are ${spanText(Math.max(0, skew - 1000))} apart`)
    : problem('clocks', `this machine is ${spanText(skew)} off: set its clock (NTP)`)
}

function post({ url, ca }: Address): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent: false, timeout: 15_000, ...(ca && { ca }) }
    const call = https.request(url, options, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, date: response.headers.date }),
      )
    })
    call.on('timeout', () => call.destroy(new Error('the activation endpoint does not answer')))
    call.on('error', reject)
    call.end('{}')
  })
}

/** Devices: the name and certificate of the MQTT endpoint. */
export const deviceEndpointCheck: Check = {
  name: 'device endpoint',
  async run({ deployment, entrances }) {
    const { findings } = await shakeHands('device endpoint', entrances.mqtt, deployment.clock.now())
    return findings
  },
}

function endpointOf(url: string, ca: string | undefined) {
  const { hostname: host, port } = new URL(url)
  return { host, port: Number(port || 443), ...(ca && { ca }) }
}
