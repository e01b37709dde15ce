import { describe, expect, test } from 'vitest'
import type { Endpoints, Streams } from '../../src/console/api.ts'
import { safetyHeaders } from '../../src/console/http/headers.ts'
import { toJson } from '../../src/console/http/json.ts'
import { Router } from '../../src/console/http/router.ts'

const endpoints: (keyof Endpoints)[] = [
  'GET /api/overview/:part',
  'GET /api/devices/:id',
  'POST /api/devices/:id/revoke',
  'POST /api/devices/invite',
]
const streams: (keyof Streams)[] = ['GET /api/overview/live', 'GET /api/jobs/:id/events']
const router = new Router(endpoints, streams)

const kindOf = (method: string, path: string) => {
  try {
    return router.find(method, path)
  } catch (fault) {
    return (fault as { readonly kind?: string }).kind
  }
}

describe('an address leads', () => {
  test('to what it names, before what could be anything', () => {
    expect(kindOf('GET', '/api/overview/live')).toMatchObject({ kind: 'stream', params: {} })
    expect(kindOf('GET', '/api/overview/rates')).toMatchObject({
      ...{ kind: 'answer', name: 'GET /api/overview/:part', params: { part: 'rates' } },
    })
  })

  test('with its parts decoded, each by itself', () => {
    expect(kindOf('GET', '/api/devices/a%2Fb%20c')).toMatchObject({ params: { id: 'a/b c' } })
    expect(kindOf('GET', '/api/devices/__proto__')).toMatchObject({ params: { id: '__proto__' } })
  })

  test.each([
    ['GET', '/api/nothing', 'notFound'],
    ['GET', '/api/devices/', 'notFound'],
    ['GET', '/api/devices/x/', 'notFound'],
    ['GET', '/api//devices/x', 'notFound'],
    ['GET', '/api/devices/%E0%A4%A', 'usage'],
    ['POST', '/api/devices/x', 'method'],
    ['GET', '/api/devices/x/revoke', 'method'],
    ['PUT', '/api/devices/x', 'method'],
  ])('nowhere: %s %s is %s', (method, path, kind) => {
    expect(kindOf(method, path)).toBe(kind)
  })
})

describe('the policy of the page', () => {
  const directives = new Map(
    (safetyHeaders['content-security-policy'] ?? '').split('; ').map((directive) => {
      const [name = '', ...sources] = directive.split(' ')
      return [name, sources.join(' ')]
    }),
  )

  test('lets in scripts, styles and answers of its own only, and nothing inline', () => {
    expect(directives.get('default-src')).toBe("'none'")
    for (const name of ['script-src', 'style-src', 'connect-src'])
      expect(directives.get(name)).toBe("'self'")
    expect([...directives.values()].join()).not.toMatch(/unsafe|https?:|\*/)
  })

  test('lets no script make markup or code of text', () => {
    expect(directives.get('require-trusted-types-for')).toBe("'script'")
  })

  test.each(['frame-ancestors', 'base-uri', 'form-action', 'trusted-types'])(
    'has %s none',
    (name) => {
      expect(directives.get(name)).toBe("'none'")
    },
  )
})

test('JSON has nothing in it that a browser could take for markup', () => {
  const hostile = { '</script>': '<img src=x onerror=alert(1)>\u2028' }
  expect(toJson(hostile)).not.toContain('<')
  expect(JSON.parse(toJson(hostile))).toEqual(hostile)
})
