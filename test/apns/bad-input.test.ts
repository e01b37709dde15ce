import { fork } from 'node:child_process'
import http2 from 'node:http2'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { issueProvider } from '../../packages/operator/src/operations/issue-provider.ts'
import { revokeProvider } from '../../packages/operator/src/operations/providers.ts'
import { plainRequest } from '../../tools/conformance/behaviors.ts'
import type { KeyPair } from '../../tools/conformance/credentials.ts'
import { FrameClient, frameType } from '../../tools/conformance/frames.ts'
import { shapeFaults } from '../../tools/conformance/judge.ts'
import { openOperator } from '../../tools/conformance/open-operator.ts'
import { Sessions, type Setting, settingOf } from '../../tools/conformance/setting.ts'
import { type Outgoing, send, summary } from '../../tools/conformance/wire.ts'
import { sharing } from '../e2e/shared-target.ts'
import { until } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

let target: Target
let setting: Setting
let sessions: Sessions
let pair: KeyPair
let request: Outgoing

sharing.beforeAll(async ({ target: shared }) => {
  target = shared
  const { local, cloud } = target
  setting = settingOf({ local, operator: { stage: 'local', environment: cloud.environment } })
  sessions = new Sessions(setting)
  pair = (await setting.certificate('any')) as KeyPair
  const token = (await setting.token('live', setting.topic)) ?? ''
  request = plainRequest({ setting, sessions, pair, token })
})

afterAll(async () => {
  sessions?.close()
  await setting?.close()
})

const openFrames = () => FrameClient.open({ url: setting.url, ca: setting.ca, pair })

const fields = () =>
  [
    [':method', 'POST'],
    [':path', request.path],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    ['apns-topic', setting.topic],
  ] as const

/** The service still works, on a connection of its own. */
async function isServing(): Promise<void> {
  const answer = await send(sessions.of('any', pair), request)
  expect(summary(answer)).toBe('200')
}

/** How many notifications the log says were accepted so far. */
function accepted(): number {
  return target.logs.filter((line) => line.includes('"outcome":"accepted"')).length
}

describe('a client that misbehaves', () => {
  it('opens and resets 3,000 streams at once: nobody else suffers', async () => {
    const client = await openFrames()
    const before = accepted()
    for (let count = 0; count < 3_000 && !client.closed; count += 1) {
      const stream = client.request(fields())
      client.frame({ type: frameType.reset, stream, payload: Buffer.from([0, 0, 0, 8]) })
    }
    await isServing()
    client.close()
    expect(await until(() => accepted() - before || undefined)).toBeLessThan(10)
  })

  it('sends a body that never ends: 400 IdleTimeout within seconds, and the connection goes on', async () => {
    const session = sessions.of('any', pair)
    const headers = Object.fromEntries(request.fields)
    const stream = session.request({ ':method': 'POST', ':path': request.path, ...headers })
    stream.on('error', () => {})
    stream.write('{"aps":')
    const started = performance.now()
    const [status, body] = await new Promise<[number, string]>((resolve, reject) => {
      let text = ''
      let seen = 0
      stream.on('response', (answer) => {
        seen = Number(answer[':status'])
      })
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      stream.on('end', () => resolve([seen, text]))
      stream.setTimeout(60_000, () => reject(new Error('no answer')))
    })
    expect([status, body]).toEqual([400, '{"reason":"IdleTimeout"}'])
    // within 5 s, and as much again for a busy machine
    expect(performance.now() - started).toBeLessThan(10_000)
    await isServing()
  })

  it('closes its half of the connection after the request: it is answered or let go', async () => {
    const client = await openFrames()
    client.request(fields(), Buffer.from('{}'))
    client.endWriting()
    const isAnswered = () => client.frames.some(({ stream }) => stream === 1)
    await client.until(isAnswered).catch((end: Error) => expect(end.message).toContain('closed'))
    client.close()
    await isServing()
  })

  /** A crowd of its own process and 15 s: LONG_TESTS=1 npx vitest run test/apns/bad-input.test.ts */
  it.runIf(process.env.LONG_TESTS)(
    'says nothing at all, ten thousand times: others are served',
    async () => {
      const crowd = fork(fileURLToPath(new URL('./silent-crowd.ts', import.meta.url)), {
        execArgv: ['--import', 'tsx'],
        env: { ...process.env, PORT: new URL(setting.url).port, CONNECTIONS: '10000' },
      })
      try {
        const opened = await new Promise((resolve, reject) => {
          crowd.once('message', resolve)
          crowd.once('exit', (code) => reject(new Error(`the crowd left with ${code}`)))
        })
        expect(opened).toBe(10_000)
        await isServing()
        // a newcomer gets in as well
        const late = http2.connect(setting.url, { ...pair, ...(setting.ca && { ca: setting.ca }) })
        expect(summary(await send(late, request))).toBe('200')
        late.destroy()
      } finally {
        crowd.kill()
      }
    },
  )

  it('breaks HTTP/2, or speaks none: its connection ends, the service goes on', async () => {
    for (const rubbish of [
      '\0'.repeat(2_000),
      'GET / HTTP/1.1\r\n\r\n',
      '\x16\x03\x01'.repeat(99),
    ]) {
      const { port, hostname } = new URL(setting.url)
      const socket = connect({
        ...{ port: Number(port), host: hostname, servername: hostname, ...pair },
        ...(setting.ca && { ca: setting.ca }),
        ALPNProtocols: ['h2'],
      })
      socket.on('error', () => {})
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.once('secureConnect', () => socket.write(rubbish))
      socket.resume()
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1_000))])
      socket.destroy()
    }
    await isServing()
  })
})

describe('a certificate that no longer counts', () => {
  it('is answered 403 BadCertificate, not with a silent end', async () => {
    const environment = target.cloud.environment
    const deployment = await openOperator({ stage: 'local', environment })
    const { certificatePem, keyPem, fingerprint } = await issueProvider(deployment, {
      topics: [setting.topic],
    })
    await revokeProvider(deployment, fingerprint, 'superseded')
    deployment.close()
    const session = sessions.of('revoked', { cert: certificatePem, key: keyPem })
    const answer = await send(session, request)
    expect(summary(answer)).toBe('403 BadCertificate')
    expect('silence' in answer ? answer : shapeFaults(answer, undefined)).toEqual([])
    expect('headers' in answer && answer.headers['heliograph-detail']).toContain('revoked')
  })
})
