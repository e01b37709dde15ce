import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '@heliograph/aws/log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { shapeRefusal } from '../../bin/embedded.ts'
import { acceptHandler } from '../../lambdas/accept/handler.ts'
import type { HttpEvent } from '../../lambdas/http.ts'
import { type Gateway, startGateway } from '../../packages/embedded-cloud/src/gateway/gateway.ts'
import type { GatewayOptions } from '../../packages/embedded-cloud/src/gateway/options.ts'
import { type LocalTls, loadTls } from '../../packages/embedded-cloud/src/tls.ts'
import { beginEvent } from '../../packages/embedded-cloud/src/types.ts'
import { givenCases } from '../../tools/conformance/case.ts'
import { shapeFaults } from '../../tools/conformance/judge.ts'
import { isRunnable, runCase } from '../../tools/conformance/run-case.ts'
import { Sessions, type Setting } from '../../tools/conformance/setting.ts'
import { type Outgoing, send, summary } from '../../tools/conformance/wire.ts'
import { Desk, UUID } from '../../tools/fuzz/desk.ts'

/**
 * The accept function behind an edge that asks for no certificate: misconfigured, or one that takes
 * provider tokens too. What the mutual-TLS edge answers by refusing the connection is answered here.
 */

const folder = mkdtempSync(join(tmpdir(), 'open-edge-'))
const silent: Log = { info() {}, warn() {}, error() {} }
const desk = new Desk()
const opened: { close(): unknown }[] = []
let tls: LocalTls

beforeAll(async () => {
  tls = await loadTls(folder, [])
})

afterAll(async () => {
  for (const one of opened.reverse()) await one.close()
  rmSync(folder, { recursive: true })
})

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:accept'

function answeredBy(handle: (event: unknown) => Promise<unknown>): GatewayOptions['functions'] {
  const invoke: GatewayOptions['functions']['invoke'] = (_arn, event, options) =>
    handle(beginEvent(event, options))
  return { invoke, invokeAsync: async () => {} }
}

async function open(options: Partial<GatewayOptions> = {}) {
  const handler = acceptHandler(desk.ports, silent)
  const gateway: Gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    tls,
    identity: { accountId: '000000000000', region: 'us-east-1' },
    apiId: 'api1234567',
    stage: '$default',
    routes: [{ method: 'ANY', path: '$default', functionArn: FUNCTION, timeoutMs: 500 }],
    functions: answeredBy((event) => handler(event as HttpEvent)),
    permits: () => true,
    log: () => {},
    shapeRefusal,
    ...options,
  })
  const setting: Setting = {
    url: gateway.url,
    ca: tls.ca,
    topic: 'com.example.app',
    tokens: undefined,
    certificate: async () => undefined,
    token: async () => desk.token(),
    close: async () => {},
  }
  const sessions = new Sessions(setting)
  opened.push(gateway, sessions)
  return { setting, sessions }
}

const request: Outgoing = {
  method: 'POST',
  path: `/3/device/${desk.token()}`,
  fields: [['apns-id', UUID]],
  body: Buffer.from('{"aps":{}}'),
}

describe('a request without a client certificate', () => {
  const cases = givenCases.filter(isRunnable).filter(({ auth = 'any' }) => /^(none|jwt)/.test(auth))

  it.each(cases)('$id: $title', async (one) => {
    const { setting, sessions } = await open()
    const { faults, skipped, seen } = await runCase(one, setting, sessions)
    expect({ faults, skipped }).toEqual({ faults: [], skipped: undefined })
    // answered, not refused the connection
    expect(seen).toMatch(/^40[35] /)
  })
})

describe('what the edge says itself', () => {
  async function answerOf(options: Partial<GatewayOptions>, sends = 1): Promise<string> {
    const { sessions } = await open(options)
    const session = sessions.of('none', undefined)
    const answers = await Promise.all(Array.from({ length: sends }, () => send(session, request)))
    for (const answer of answers)
      expect('silence' in answer ? answer : shapeFaults(answer, UUID)).toEqual([])
    return answers.map(summary).at(-1) ?? ''
  }

  it.each<[string, Partial<GatewayOptions>, number, string]>([
    ['throttled', { throttle: { rateLimit: 1, burstLimit: 1 } }, 2, '429 TooManyRequests'],
    ['no permission', { permits: () => false }, 1, '500 InternalServerError'],
    ['no route', { routes: [] }, 1, '400 BadDeviceToken'],
    [
      'too late',
      { functions: answeredBy(() => new Promise(() => {})) },
      1,
      '503 ServiceUnavailable',
    ],
    [
      'a crash',
      { functions: answeredBy(() => Promise.reject(new Error('killed'))) },
      1,
      '500 InternalServerError',
    ],
    [
      'no answer',
      { functions: answeredBy(async () => ({ statusCode: 'x' })) },
      1,
      '500 InternalServerError',
    ],
    ['too many at once', { limits: { maxInFlight: 0 } }, 1, '503 ServiceUnavailable'],
  ])(
    '%s: in Apple’s shape, with the id of the request',
    async (_what, options, sends, expected) => {
      expect(await answerOf(options, sends)).toBe(expected)
    },
  )
})
