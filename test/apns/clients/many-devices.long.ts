import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http2, { type Http2SecureServer, type Http2ServerRequest } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Notification } from '@heliograph/device'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTls } from '../../../packages/embedded-cloud/src/tls.ts'
import { giveUp } from '../../e2e/operator-support.ts'
import { alertOf, readyDevice, startTarget, until } from '../../e2e/support.ts'
import type { Target } from '../../e2e/target.ts'
import { hasCommand, type ManyFiles, runLoop } from './page.ts'

/** The languages of the loops in docs/provider-api.md, with what runs each. */
const loops = [
  ['js', [process.execPath, 'loop.mjs'], 'loop.mjs', true],
  ['python', ['python3', 'loop.py'], 'loop.py', hasCommand('python3', '--version')],
  ['go', ['go', 'run', 'loop.go'], 'loop.go', hasCommand('go', 'version')],
  [
    'sh',
    ['sh', 'loop.sh'],
    'loop.sh',
    hasCommand('jq', '--version') && hasCommand('curl', '--version'),
  ],
] as const

describe('the loops of docs/provider-api.md, against the embedded cloud', () => {
  let target: Target
  let token: string
  let dead: string
  let received: Notification[]
  const close: (() => Promise<void>)[] = []

  beforeAll(async () => {
    target = await startTarget()
    const [alive, leaving] = [await readyDevice(target), await readyDevice(target)]
    close.push(
      () => alive.device.close(),
      () => leaving.device.close(),
    )
    ;({ token, received } = alive)
    dead = leaving.token
    await giveUp(target, leaving.device, target.local.provider.topic)
  })

  afterAll(async () => {
    for (const one of close) await one()
    await target?.close()
  })

  it.each(loops)(
    '%s sends once to each device, and prints what is of no use',
    async (name, command, file, isHere) => {
      if (!isHere) return
      const before = received.length
      const bad = randomBytes(32).toString('hex')
      const { provider } = target.local
      const files: ManyFiles = { ...provider, tokens: [token, bad, dead, token] }
      const { code, stdout, stderr } = await runLoop(
        { language: name, command, file },
        provider.url,
        files,
      )
      expect(code, stderr).toBe(0)
      const lines = stdout.trim().split('\n')
      expect(lines).toContainEqual(
        expect.stringMatching(new RegExp(`^${bad} BadDeviceToken [-0]$`)),
      )
      expect(lines).toContainEqual(
        expect.stringMatching(new RegExp(`^${dead} Unregistered \\d{13}$`)),
      )
      expect(lines).toHaveLength(2)
      await until(() => received.length > before)
      expect(alertOf(received.at(-1) ?? { payload: {} })).toBe('hello')
    },
  )
})

interface Asked {
  readonly id: unknown
  readonly tokens: readonly string[]
}

describe('the loops of docs/provider-api.md, against an edge that has no time', () => {
  let folder: string
  let server: Http2SecureServer
  let asked: Asked[]
  /** The answer to the n-th request; undefined breaks the connection. */
  let answerTo: (request: number, tokens: readonly string[]) => [number, object] | undefined

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'heliograph-loops-'))
    const { cert, key } = await loadTls(folder, [])
    server = http2.createSecureServer({ cert, key, allowHTTP1: true })
    server.on('request', async (request: Http2ServerRequest, response) => {
      let text = ''
      for await (const piece of request) text += piece
      const { tokens } = JSON.parse(text) as { tokens: string[] }
      asked.push({ id: request.headers['apns-id'], tokens })
      const answer = answerTo(asked.length, tokens)
      if (answer === undefined) {
        if (request.httpVersionMajor === 2) request.stream.session?.destroy()
        else request.socket.destroy()
        return
      }
      response.writeHead(answer[0], { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer[1]))
    })
    server.listen(0, 'localhost')
    await once(server, 'listening')
    for (const name of ['app.pem', 'app.key'])
      writeFileSync(join(folder, name), name === 'app.pem' ? cert : key)
  })

  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it.each(loops)(
    '%s asks in chunks, repeats what may come later and nothing else',
    async (name, command, file, isHere) => {
      if (!isHere) return
      asked = []
      const tokens = Array.from({ length: 2_500 }, () => randomBytes(32).toString('hex'))
      const [slow, busy] = tokens
      answerTo = (request, some) => {
        if (request === 2) return [503, { reason: 'ServiceUnavailable' }]
        if (request === 3) return undefined
        const results = some.map((token) => {
          if (request === 1 && token === slow) return { status: 503, reason: 'ServiceUnavailable' }
          if (request === 1 && token === busy) return { status: 429, reason: 'TooManyRequests' }
          return { status: 200 }
        })
        return [200, { results }]
      }
      const url = `https://localhost:${(server.address() as AddressInfo).port}`
      const at = (name: string) => join(folder, name)
      const files: ManyFiles = { ca: at('ca.pem'), cert: at('app.pem'), key: at('app.key'), tokens }
      const { code, stdout, stderr } = await runLoop({ language: name, command, file }, url, files)
      expect(code, stderr).toBe(0)
      expect(stdout.trim()).toBe('')
      expect(asked.map(({ tokens }) => tokens.length)).toEqual([1_000, 2, 2, 2, 1_000, 500])
      expect(asked[3]?.tokens).toEqual([slow, busy])
      expect([0, 4, 5].flatMap((n) => asked[n]?.tokens ?? [])).toEqual(tokens)
      expect(new Set(asked.map(({ id }) => id)).size).toBe(1)
      expect(asked[0]?.id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    },
  )

  it.each(loops)('%s stops where the request is refused', async (name, command, file, isHere) => {
    if (!isHere) return
    asked = []
    answerTo = () => [400, { reason: 'BadTopic' }]
    const url = `https://localhost:${(server.address() as AddressInfo).port}`
    const at = (name: string) => join(folder, name)
    const tokens = Array.from({ length: 1_001 }, () => randomBytes(32).toString('hex'))
    const files: ManyFiles = { ca: at('ca.pem'), cert: at('app.pem'), key: at('app.key'), tokens }
    const { code, stderr } = await runLoop({ language: name, command, file }, url, files)
    expect(code).not.toBe(0)
    expect(stderr).toContain('BadTopic')
    expect(asked).toHaveLength(1)
  })
})
