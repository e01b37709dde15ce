import { execFileSync } from 'node:child_process'
import { transformSync } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { aioapnsCode } from '../src/pages/send/code/aioapns.ts'
import { curlCommand } from '../src/pages/send/code/curl.ts'
import { nodeApnCode } from '../src/pages/send/code/node-apn.ts'
import { pushyCode } from '../src/pages/send/code/pushy.ts'
import type { SendRequest } from '../src/pages/send/code/request.ts'

const token = '5f'.repeat(32)

const plain: SendRequest = {
  url: 'https://push.example.com:2197',
  privateAuthority: true,
  credential: { kind: 'certificate' },
  token,
  topic: 'com.example.app',
  pushType: 'alert',
  priority: '5',
  expiration: '0',
  collapseId: 'news',
  id: '73cc3989-a2d3-45f9-9a8f-77a6ff390310',
  payload: '{"aps":{"alert":"hello"}}',
}

const key: SendRequest = {
  ...plain,
  credential: { kind: 'key', keyId: 'ABC123DEFG', teamId: 'HELIOGRAPH' },
}

/** What a link to the view could bring into a field. */
const evil = `'"\`$(touch /tmp/x)\\"); System.exit(1); //\n{{}} \${process.exit()}`
const hostile: SendRequest = {
  ...plain,
  token: evil,
  topic: evil,
  pushType: evil,
  priority: `1; ${evil}`,
  expiration: `0 ${evil}`,
  collapseId: evil,
  id: evil,
  payload: evil,
}

/** The arguments that a shell gives to curl. */
function argumentsOf(command: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`
  const env = { PATH: process.env.PATH ?? '', PROVIDER_TOKEN: 'jwt' }
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', env }).split('\0').slice(0, -1)
}

describe('curl', () => {
  test('gets the request as it is', () => {
    expect(argumentsOf(curlCommand(plain))).toEqual([
      ...['--http2', '-i', '--cacert', 'ca.pem', '--cert', 'app.pem', '--key', 'app.key'],
      ...['-H', 'apns-topic: com.example.app', '-H', 'apns-push-type: alert'],
      ...['-H', 'apns-priority: 5', '-H', 'apns-expiration: 0', '-H', 'apns-collapse-id: news'],
      ...['-H', 'apns-id: 73cc3989-a2d3-45f9-9a8f-77a6ff390310'],
      ...['--data-raw', plain.payload, `https://push.example.com:2197/3/device/${token}`],
    ])
  })

  test('gets a provider token from a variable', () => {
    expect(argumentsOf(curlCommand(key))).toContain('authorization: bearer jwt')
  })

  test('gets hostile text as text', () => {
    const given = argumentsOf(curlCommand(hostile))
    expect(given).toContain(`apns-topic: ${evil}`)
    expect(given).toContain(evil)
    expect(given.at(-1)).toBe(`https://push.example.com:2197/3/device/${encodeURIComponent(evil)}`)
  })
})

describe('node-apn', () => {
  test.each([plain, key, hostile])('is JavaScript', (request) => {
    expect(() => transformSync(nodeApnCode(request), { loader: 'js' })).not.toThrow()
  })

  test('has every header, and the key', () => {
    const code = nodeApnCode(key)
    for (const line of [
      'address: "push.example.com"',
      'port: 2197',
      'topic: "com.example.app"',
      'pushType: "alert"',
      'priority: 5',
      'expiry: 0',
      'collapseId: "news"',
      'notification.id = "73cc3989-a2d3-45f9-9a8f-77a6ff390310"',
      'token: { key: "AuthKey_ABC123DEFG.p8", keyId: "ABC123DEFG", teamId: "HELIOGRAPH" }',
    ])
      expect(code).toContain(line)
  })

  test('has hostile text in literals only', () => {
    const code = nodeApnCode(hostile)
    for (const text of [evil, `1; ${evil}`, `0 ${evil}`])
      expect(code).toContain(JSON.stringify(text))
    expect(code).toContain(`JSON.parse(${JSON.stringify(evil)})`)
    expect(code.split('\n')).toHaveLength(
      nodeApnCode({ ...plain, payload: '1' }).split('\n').length,
    )
  })
})

describe('aioapns', () => {
  test('says what the request says', () => {
    const code = aioapnsCode(plain)
    expect(code).toContain(`message=json.loads(${JSON.stringify(plain.payload)})`)
    expect(code).toContain('time_to_live=0 - int(time.time())')
    expect(code).toContain('push_type=PushType("alert")')
    expect(aioapnsCode(key)).toContain('key_id="ABC123DEFG"')
  })

  test('is Python', ({ skip }) => {
    const parse = 'import ast, json, sys; [ast.parse(code) for code in json.load(sys.stdin)]'
    const input = JSON.stringify([plain, key, hostile].map(aioapnsCode))
    try {
      execFileSync('python3', ['-c', parse], { input, stdio: 'pipe' })
    } catch (fault) {
      skip((fault as NodeJS.ErrnoException).code === 'ENOENT', 'there is no Python here')
      throw fault
    }
  })
})

describe('pushy', () => {
  test('says what the request says', () => {
    const code = pushyCode(key)
    expect(code).toContain('.setApnsServer("push.example.com", 2197)')
    expect(code).toContain('DeliveryPriority.getFromCode(5)')
    expect(code).toContain('PushType.getFromHeaderValue("alert")')
    expect(code).toContain(
      'loadFromPkcs8File(new File("AuthKey_ABC123DEFG.p8"), "HELIOGRAPH", "ABC123DEFG")',
    )
  })

  test('has hostile text in literals only', () => {
    const rows = pushyCode(hostile).split('\n').length
    expect(rows).toBe(pushyCode({ ...plain, expiration: '1' }).split('\n').length)
    expect(pushyCode(hostile)).toContain(`UUID.fromString(${JSON.stringify(evil)})`)
  })
})
