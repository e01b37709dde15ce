import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ProviderKeyId, Topic } from '@heliograph/protocol/identifiers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  basicConstraints,
  COMMON_NAME,
  certificateDer,
  certificatePem,
  extension,
  name,
  rsaPair,
  TOPIC_LIST,
  topicList,
  UID,
} from '../../../test/vectors/certificate-builder.ts'
import { utf8 } from '../../operator/src/x509/forge.ts'
import type { ProviderRecord } from '../src/ports.ts'
import { resolveTopic } from '../src/trust/authenticated-provider.ts'
import {
  CLOCK_SKEW_MS,
  judgeProvider,
  MAX_TOPICS,
  type ProviderCertificate,
  readProviderCertificate,
} from '../src/trust/provider-trust.ts'

interface Vectors {
  readonly authority: string
  /** When the certificates are looked at, unless a case says otherwise. */
  readonly at: string
  readonly valid: readonly { case: string; topics: readonly string[]; pem: string }[]
  readonly unreadable: readonly { breaks: string; case: string; pem: string }[]
  readonly refused: readonly {
    breaks: string
    case: string
    detail: string
    at?: string
    pem: string
  }[]
}

const file = new URL('../../../test/vectors/provider-certificates.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const authority = new X509Certificate(vectors.authority)
const now = Date.parse(vectors.at)

function read(pem: string): ProviderCertificate {
  const certificate = readProviderCertificate(pem, authority)
  if ('fault' in certificate) throw new Error(certificate.fault)
  return certificate
}

const plain = vectors.valid[0]?.pem ?? ''
const good = read(plain)

function recordOf(certificate: ProviderCertificate): ProviderRecord {
  const { fingerprint, topics, notBefore, notAfter } = certificate
  return { fingerprint, topics, notBefore, notAfter, serial: '', subject: '', issuedAt: notBefore }
}

const judge = (certificate: ProviderCertificate, at: number) =>
  judgeProvider(certificate, recordOf(certificate), at)

describe('provider certificate vectors', () => {
  it.each(vectors.valid)('reads $case', ({ pem, topics }) => {
    const certificate = read(pem)
    expect([...certificate.topics].sort()).toEqual([...topics].sort())
    expect(certificate.topics[0]).toBe(topics[0])
    expect(judge(certificate, now)).toBeUndefined()
  })

  it.each(vectors.unreadable)('$breaks broken: finds no certificate in $case', ({ pem }) => {
    const result = readProviderCertificate(pem, authority)
    expect(result).toEqual({ fault: expect.stringMatching(/.{10}/) })
  })

  it.each(vectors.refused)('$breaks broken: refuses $case', ({ pem, detail, at }) => {
    const certificate = read(pem)
    const moment = at === undefined ? now : Date.parse(at)
    expect(judge(certificate, moment)).toEqual({ reason: 'BadCertificate', detail })
  })
})

describe('the topic list', () => {
  it('counts whether or not its extension is marked as critical', () => {
    const ca = rsaPair()
    const issuer = name([[[COMMON_NAME, utf8('CA')]]])
    const shared = {
      serial: Buffer.of(1),
      issuer,
      notBefore: new Date(now),
      notAfter: new Date(now),
    }
    const authorityDer = certificateDer(
      { ...shared, subject: issuer, publicKey: ca.publicKey, extensions: [basicConstraints(true)] },
      ca.privateKey,
    )
    const topics = ['com.example.app', 'com.example.app.voip']
    for (const isCritical of [false, true]) {
      const list = extension(TOPIC_LIST, topicList(topics), isCritical)
      const subject = name([[[UID, utf8('com.example.app')]]])
      const pem = certificatePem(
        certificateDer(
          { ...shared, subject, publicKey: ca.publicKey, extensions: [list] },
          ca.privateKey,
        ),
      )
      const certificate = readProviderCertificate(pem, new X509Certificate(authorityDer))
      expect(certificate).toMatchObject({ topics })
    }
  })
})

describe('the judgment of a provider', () => {
  it('allows for clocks that differ by the stated time, and no more', () => {
    expect(judge(good, good.notBefore - CLOCK_SKEW_MS)).toBeUndefined()
    expect(judge(good, good.notBefore - CLOCK_SKEW_MS - 1)?.reason).toBe('BadCertificate')
    expect(judge(good, good.notAfter + CLOCK_SKEW_MS)).toBeUndefined()
    expect(judge(good, good.notAfter + CLOCK_SKEW_MS + 1)?.reason).toBe('BadCertificate')
  })

  it('refuses what is not on record, so that an empty table lets nobody in', () => {
    expect(judgeProvider(good, undefined, now)?.detail).toContain('not on record')
  })

  it('refuses what has been revoked', () => {
    const revoked = { ...recordOf(good), revokedAt: now + 1 }
    expect(judgeProvider(good, revoked, now)?.detail).toContain('revoked')
  })

  it('looks at the signature before it looks at the record', () => {
    const forged = { ...good, issued: false }
    expect(judgeProvider(forged, { ...recordOf(good), revokedAt: now }, now)?.detail).toBe(
      'the client certificate is not from this provider CA',
    )
  })
})

const topicOf = ({ fingerprint: id, topics }: ProviderCertificate, header: string | undefined) =>
  resolveTopic({ credential: 'certificate', id, topics }, header)

describe('the topic of a request', () => {
  const several = read(vectors.valid.find(({ topics }) => topics.length === 3)?.pem ?? '')

  it('is the only one of the certificate where the header is absent', () => {
    expect(topicOf(good, undefined)).toBe('com.example.app')
    expect(topicOf(several, undefined)).toMatchObject({ reason: 'MissingTopic' })
  })

  it('is never one that the certificate does not name', () => {
    const named = new Set<string>(several.topics)
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom(...several.topics)), (header) => {
        const topic = topicOf(several, header)
        expect(typeof topic !== 'string' || named.has(topic)).toBe(true)
      }),
    )
  })

  it('must be sent with a provider token, and be of its key', () => {
    const id = 'ABC123DEFG' as ProviderKeyId
    const ofKey = (header: string | undefined) =>
      resolveTopic({ credential: 'key', id, topics: good.topics }, header)
    expect(ofKey('com.example.app')).toBe('com.example.app')
    expect(ofKey(undefined)).toMatchObject({ reason: 'MissingTopic' })
    expect(ofKey('')).toMatchObject({ reason: 'MissingTopic' })
    expect(ofKey('com.example.bank')).toMatchObject({ reason: 'TopicDisallowed' })
    expect(ofKey('no topic')).toMatchObject({ reason: 'BadTopic' })
  })

  it('does not take letters of the other case for the same', () => {
    expect(topicOf(several, 'COM.EXAMPLE.APP')).toMatchObject({ reason: 'BadTopic' })
  })
})

/** A certificate in DER with its frame. */
const frame = (der: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`

/** Never an exception, and never a certificate of this CA that this CA did not make. */
function expectHarmless(pem: string): void {
  const result = readProviderCertificate(pem, authority)
  if ('fault' in result) return
  expect(result.topics.length).toBeLessThanOrEqual(MAX_TOPICS)
  if (result.fingerprint !== good.fingerprint) expect(result.issued).toBe(false)
}

describe('damaged certificates', () => {
  const der = new X509Certificate(plain).raw

  it('are harmless wherever one byte has changed', () => {
    const change = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(change, ([at, by]) => {
        const changed = Buffer.from(der)
        changed.writeUInt8(changed.readUInt8(at) ^ by, at)
        expectHarmless(frame(changed))
      }),
      { numRuns: 2_000 },
    )
  })

  it('are harmless wherever they are cut', () => {
    for (let length = 0; length < der.length; length += 7)
      expectHarmless(frame(der.subarray(0, length)))
  })

  it('are harmless with bytes put in, taken out or doubled', () => {
    const piece = fc.tuple(fc.nat(der.length), fc.nat(40), fc.uint8Array({ maxLength: 40 }))
    fc.assert(
      fc.property(piece, ([at, gone, extra]) => {
        const parts = [der.subarray(0, at), extra, der.subarray(Math.min(der.length, at + gone))]
        const changed = Buffer.concat(parts)
        if (!changed.equals(der)) expectHarmless(frame(changed))
      }),
      { numRuns: 1_000 },
    )
  })

  it('are harmless when they are anything at all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 300 }).map(frame)), (pem) =>
        expectHarmless(pem),
      ),
      { numRuns: 2_000 },
    )
  })
})

describe('a revoked topic name', () => {
  it('of another certificate never helps: topics come from the certificate alone', () => {
    const record = { ...recordOf(good), topics: ['com.example.bank' as Topic] }
    expect(judgeProvider(good, record, now)).toBeUndefined()
    expect(topicOf(good, 'com.example.bank')).toMatchObject({ reason: 'BadTopic' })
  })
})
