import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UUID } from '../../../tools/fuzz/desk.ts'
import { checkId, chooseId, findDuplicate, readPath } from '../src/send/provider-request.ts'

describe('method and path', () => {
  const read = (method: string, path: string) => readPath({ method, path })
  it.each([
    ['POST', '/3/device/ab', { tokenText: 'ab' }],
    ['POST', '/3/device/ab/', { tokenText: 'ab/' }],
    ['POST', '/3/device/', { reason: 'MissingDeviceToken' }],
    ['POST', '/3/devices', { tokenText: undefined }],
    ['GET', '/3/devices', { reason: 'MethodNotAllowed' }],
    ['POST', '/3/devices/', { reason: 'BadPath' }],
    ['POST', '/3/devices/ab', { reason: 'BadPath' }],
    ['POST', '/3/device', { reason: 'BadPath' }],
    ['POST', '//3/device/ab', { reason: 'BadPath' }],
    ['POST', '/4/device/ab', { reason: 'BadPath' }],
    ['POST', '', { reason: 'BadPath' }],
    ['post', '/3/device/ab', { reason: 'MethodNotAllowed' }],
    ['GET', '/', { reason: 'MethodNotAllowed' }],
    ['', '/3/device/ab', { reason: 'MethodNotAllowed' }],
  ])('%s %s', (method, path, expected) => {
    expect(read(method, path)).toMatchObject(expected)
  })
})

describe('repeated headers', () => {
  it.each([
    ['apns-topic', 'com.a,com.a'],
    ['apns-topic', 'com.a, com.b'],
    ['apns-priority', ','],
    ['apns-id', `${UUID},${UUID}`],
    ['apns-expiration', '0,0'],
    ['apns-push-type', 'alert,voip'],
    ['apns-never-heard-of', 'a,b'],
    ['apns-collapse-id', 'k,k'],
    ['apns-collapse-id', 'k, k,k'],
    ['content-type', 'a/b,a/b'],
  ])('%s: %s', (name, value) => {
    expect(findDuplicate({ [name]: value })).toMatchObject({
      reason: 'DuplicateHeaders',
      detail: `${name} appears more than once`,
    })
  })

  it.each([
    ['apns-collapse-id', 'chat,42'],
    ['apns-collapse-id', 'k'],
    ['content-type', 'multipart/form-data; boundary="a,b"'],
    ['accept', 'a/b,a/b'],
    ['x-forwarded-for', '1.1.1.1,1.1.1.1'],
    ['apns-topic', ''],
  ])('%s: %s is not one', (name, value) => {
    expect(findDuplicate({ [name]: value })).toBeUndefined()
  })
})

describe('apns-id', () => {
  it('comes back byte for byte, whatever the case of its letters', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.boolean(), (id, upper) => {
        const sent = upper ? id.toUpperCase() : id
        expect(chooseId(sent, () => 'never')).toBe(sent)
        expect(checkId(sent)).toBeUndefined()
      }),
    )
  })

  it('is made, in upper case as Apple’s, where none or a bad one was sent', () => {
    for (const sent of [undefined, '', 'x', `${UUID} `, `${UUID}\n`, UUID.replaceAll('-', '')])
      expect(chooseId(sent, () => UUID)).toBe(UUID.toUpperCase())
  })

  it('is refused unless it is a UUID; none at all is fine', () => {
    expect(checkId(undefined)).toBeUndefined()
    for (const sent of ['', 'x', `${UUID} `, `${UUID}\n`, `{${UUID}}`, UUID.slice(1)])
      expect(checkId(sent)).toMatchObject({ reason: 'BadMessageId' })
  })
})
