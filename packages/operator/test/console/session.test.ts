import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { cookieOf, openAccess, sessionCookie } from '../../src/console/access/session.ts'

const open = () => openAccess(randomBytes, { mostWrongKeys: 3 })

test('the key begins one session, once', () => {
  const access = open()
  const entry = access.enter(access.key)
  if (!('secret' in entry)) throw new Error('was refused')
  expect(access.isSession(entry.secret)).toBe(true)
  expect(entry.secret).not.toBe(access.key)
  expect(Buffer.from(access.key, 'base64url')).toHaveLength(32)
  expect(access.enter(access.key)).toMatchObject({ refused: 'used' })
  expect(access.isSession(entry.secret)).toBe(true)
})

test('there is no session before the key was handed in', () => {
  const access = open()
  for (const secret of [undefined, '', access.key]) expect(access.isSession(secret)).toBe(false)
})

test('after too many wrong keys the right one is worth nothing either', () => {
  const access = open()
  expect(access.enter('')).toMatchObject({ refused: 'wrong' })
  expect(access.enter(`${access.key}x`)).toMatchObject({ refused: 'wrong' })
  expect(access.enter('x')).toMatchObject({ refused: 'closed', wrongKeys: 3 })
  expect(access.enter(access.key)).toMatchObject({ refused: 'closed' })
})

test('wrong keys end no session that there is', () => {
  const access = open()
  const entry = access.enter(access.key)
  for (let tries = 0; tries < 5; tries += 1) access.enter('x')
  expect(access.isSession('secret' in entry ? entry.secret : '')).toBe(true)
})

test('the cookie is for the server alone, and for requests of its own site', () => {
  expect(sessionCookie('name', 'value')).toBe('name=value; HttpOnly; SameSite=Strict; Path=/')
})

test.each([
  ['a=1; name=value; b=2', 'value'],
  ['name=', ''],
  ['xname=value', undefined],
  ['name=one; name=two', undefined],
  ['', undefined],
  [undefined, undefined],
])('of %s', (header, value) => {
  expect(cookieOf(header, 'name')).toBe(value)
})
