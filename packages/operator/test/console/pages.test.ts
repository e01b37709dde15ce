import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pagesOf } from '../../src/console/http/pages.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const pages = pagesOf([
  { name: 'index.html', bytes: bytesOf('<!doctype html>') },
  { name: 'assets/app.js', bytes: bytesOf('let a') },
  { name: 'strange.exe', bytes: bytesOf('MZ') },
])

let server: Server
let base: string

beforeAll(async () => {
  server = createServer((request, response) => {
    pages(request, response, (request.url ?? '').split('?')[0] ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

describe('every address that is no file is a view of the page', () => {
  test.each(['/', '/devices/0123456789abcdef', '/stats/com.example.app', '/x.js'])(
    '%s',
    async (path) => {
      const answer = await fetch(base + path, { headers: { 'sec-fetch-dest': 'document' } })
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(await answer.text()).toBe('<!doctype html>')
    },
  )

  test('but a script that is missing is not one', async () => {
    const answer = await fetch(`${base}/assets/old.js`, { headers: { 'sec-fetch-dest': 'script' } })
    expect(answer.status).toBe(404)
  })
})

test.each([
  ['/assets/app.js', 'text/javascript; charset=utf-8'],
  ['/strange.exe', 'application/octet-stream'],
])('%s is served as %s, and nothing else is made of it', async (path, type) => {
  const answer = await fetch(base + path)
  expect(answer.headers.get('content-type')).toBe(type)
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'")
})

test('what a browser has already is not sent again', async () => {
  const first = await fetch(`${base}/assets/app.js`)
  const etag = first.headers.get('etag') ?? ''
  const again = await fetch(`${base}/assets/app.js`, { headers: { 'if-none-match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
  const other = await fetch(`${base}/`, { headers: { 'if-none-match': etag } })
  expect(other.status).toBe(200)
})

test('no path leads out of the folder', async () => {
  for (const path of ['/..%2f..%2fetc/passwd', '/%2e%2e/package.json', '/assets%2fapp.js']) {
    const answer = await fetch(base + path)
    expect(await answer.text()).toBe('<!doctype html>')
  }
})
