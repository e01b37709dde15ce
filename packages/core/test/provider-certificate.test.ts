import type { Topic } from '@heliograph/protocol/identifiers'
import { describe, expect, it } from 'vitest'
import { describeProviderCertificate } from '../src/trust/provider-certificate.ts'

const app = 'com.example.app' as Topic
const publicKey = Uint8Array.of(1, 2, 3)
const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2027-02-03') }

const describeOf = (topics: readonly [Topic, ...Topic[]], serial = new Uint8Array(16)) =>
  describeProviderCertificate({ topics, publicKey }, validity, serial)

describe('what is in a provider certificate', () => {
  it("has the form of Apple's push certificates", () => {
    expect(describeOf([app])).toEqual({
      serial: '40000000000000000000000000000000',
      validity,
      subject: [
        { oid: '0.9.2342.19200300.100.1.1', text: app },
        { oid: '2.5.4.3', text: `Apple Push Services: ${app}` },
      ],
      publicKey,
      keyUsage: ['digitalSignature', 'keyEncipherment'],
      extendedKeyUsage: ['clientAuth'],
      markers: ['1.2.840.113635.100.6.3.1', '1.2.840.113635.100.6.3.2'],
      topicList: { oid: '1.2.840.113635.100.6.3.6', topics: [{ topic: app, use: 'app' }] },
    })
  })

  it.each([
    ['com.example.app', 'app'],
    ['com.example.app.voip', 'voip'],
    ['com.example.app.complication', 'complication'],
    ['com.example.app.pushkit.fileprovider', 'fileprovider'],
    ['com.example.app.location-query', 'location'],
    ['com.example.app.push-type.liveactivity', 'liveactivity'],
    ['com.example.app.voip-ptt', 'pushtotalk'],
  ])('says of %s that it is for %s', (topic, use) => {
    expect(describeOf([topic as Topic]).topicList.topics).toEqual([{ topic, use }])
  })

  it('lists all topics in order, and names the certificate after the first', () => {
    const topics = ['com.example.b', 'com.example.a'] as unknown as [Topic, Topic]
    const { subject, topicList } = describeOf(topics)
    expect(subject[0]?.text).toBe('com.example.b')
    expect(topicList.topics.map(({ topic }) => topic)).toEqual(topics)
  })

  it('keeps to the limit of a common name, and the whole topic in the UID', () => {
    const long = `com.${'example'.repeat(20)}.app` as Topic
    const [uid, commonName] = describeOf([long]).subject
    expect(uid?.text).toBe(long)
    expect(commonName?.text).toHaveLength(64)
  })

  it('makes the serial number positive and of full length, whatever the random bytes', () => {
    expect(describeOf([app], new Uint8Array(16).fill(0xff)).serial).toBe(`7f${'ff'.repeat(15)}`)
    expect(describeOf([app], new Uint8Array(16).fill(0x80)).serial).toBe(`40${'80'.repeat(15)}`)
  })

  it.each([0, 15, 17, 20])('takes no serial number of %i bytes', (length) => {
    expect(() => describeOf([app], new Uint8Array(length))).toThrow('16 random bytes')
  })
})
