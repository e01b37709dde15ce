import { describe, expect, test } from 'vitest'
import { judgeKnock, type Knock } from '../../src/console/access/door.ts'

const address = { names: ['own.localhost', '127.0.0.1', 'localhost'], port: 2190 }
const host = 'own.localhost:2190'

const judge = (
  method: string,
  target: string,
  headers: Readonly<Record<string, string | undefined>> = {},
) => judgeKnock({ method, target, headers: { host, ...headers } } as Knock, address)?.kind

const change = {
  origin: `http://${host}`,
  'sec-fetch-site': 'same-origin',
  'content-type': 'application/json',
  'heliograph-console': '1',
}

describe('a request of the page', () => {
  test.each(address.names)('comes in by the name %s', (name) => {
    const own = `${name}:2190`
    expect(judge('GET', '/', { host: own })).toBeUndefined()
    expect(judge('GET', '/api/devices', { host: own })).toBeUndefined()
    expect(
      judge('POST', '/api/send', { ...change, host: own, origin: `http://${own}` }),
    ).toBeUndefined()
  })

  test.each([
    ['a view from a link elsewhere', 'GET', '/devices/x', { 'sec-fetch-site': 'cross-site' }],
    ['an answer in a window of its own', 'GET', '/api/session', { 'sec-fetch-site': 'none' }],
    ['a browser without Fetch Metadata', 'POST', '/api/send', { 'sec-fetch-site': undefined }],
    ['a charset', 'POST', '/api/send', { 'content-type': 'application/json; charset=UTF-8' }],
    ['the head of a page', 'HEAD', '/', {}],
  ])('may be %s', (_what, method, target, headers) => {
    expect(judge(method, target, { ...(method === 'POST' && change), ...headers })).toBeUndefined()
  })
})

describe('a request from elsewhere is refused', () => {
  test.each([
    ['by a name that leads here', { host: 'rebound.example:2190' }],
    ['by our name with another port', { host: 'own.localhost:2191' }],
    ['by our name without a port', { host: 'own.localhost' }],
    ['by a name that ends as ours does', { host: 'evil.own.localhost:2190' }],
    ['by another name below .localhost', { host: 'other.localhost:2190' }],
    ['by no name', { host: undefined }],
    ['from another page', { origin: 'https://evil.example' }],
    ['from a page that hides itself', { origin: 'null' }],
    ['from another port', { origin: 'http://own.localhost:3000' }],
    ['from our page by another of its names', { origin: 'http://localhost:2190' }],
    ['over TLS, which nobody speaks here', { origin: `https://${host}` }],
  ])('%s', (_what, headers) => {
    for (const target of ['/', '/api/session', '/enter?key=x'])
      expect(judge('GET', target, headers)).toBe('forbidden')
    expect(judge('POST', '/api/send', { ...change, ...headers })).toBe('forbidden')
  })

  test.each(['cross-site', 'same-site'])('to the API, from a page that is %s', (site) => {
    expect(judge('GET', '/api/devices', { 'sec-fetch-site': site })).toBe('forbidden')
    expect(judge('GET', '/enter?key=x', { 'sec-fetch-site': site })).toBe('forbidden')
  })

  test('as for a proxy', () => {
    expect(judge('GET', `http://${host}/`)).toBe('forbidden')
    expect(judge('OPTIONS', '*')).toBe('forbidden')
  })
})

describe('a change', () => {
  test.each([
    ['no origin', { origin: undefined }, 'forbidden'],
    ['an address bar behind it', { 'sec-fetch-site': 'none' }, 'forbidden'],
    ['another site behind it', { 'sec-fetch-site': 'same-site' }, 'forbidden'],
    ['no header of the page', { 'heliograph-console': undefined }, 'forbidden'],
    ['another value of that header', { 'heliograph-console': '0' }, 'forbidden'],
    ['the body of a form', { 'content-type': 'text/plain' }, 'mediaType'],
    ['a list of types', { 'content-type': 'application/json, text/plain' }, 'mediaType'],
    ['no type', { 'content-type': undefined }, 'mediaType'],
  ])('with %s is refused', (_what, headers, kind) => {
    expect(judge('POST', '/api/send', { ...change, ...headers })).toBe(kind)
  })

  test.each([
    ['POST', '/'],
    ['PUT', '/api/send'],
    ['DELETE', '/api/send'],
    ['OPTIONS', '/api/send'],
    ['HEAD', '/api/session'],
  ])('is no %s %s', (method, target) => {
    expect(judge(method, target, change)).toBe('method')
  })
})
