import { describe, expect, it } from 'vitest'
import {
  describeRevocationList,
  isRevocationReason,
  type RevocationReason,
} from '../src/trust/revocation-list.ts'

const period = { thisUpdate: new Date(1_000_500), nextUpdate: new Date(9_000_000) }

const entryFor = (reason: RevocationReason) =>
  describeRevocationList([{ serial: '4a', revokedAt: 7000, reason }], period).entries[0]

describe('what is in a revocation list', () => {
  it('is its period, a number that grows with time, and no entry where nothing is revoked', () => {
    expect(describeRevocationList([], period)).toEqual({
      ...period,
      number: 1_000_500,
      entries: [],
    })
  })

  it.each([
    ['keyCompromise', 1],
    ['affiliationChanged', 3],
    ['superseded', 4],
    ['cessationOfOperation', 5],
    ['privilegeWithdrawn', 9],
  ] as const)('says %s by its number', (reason, reasonCode) => {
    expect(entryFor(reason)).toEqual({ serial: '4a', revokedAt: new Date(7000), reasonCode })
  })

  it('says "unspecified" by leaving the reason out', () => {
    expect(entryFor('unspecified')).toEqual({ serial: '4a', revokedAt: new Date(7000) })
  })
})

describe('a reason', () => {
  it.each(['unspecified', 'superseded'])('%s is one', (text) => {
    expect(isRevocationReason(text)).toBe(true)
  })

  it.each(['', 'Superseded', 'toString', '4'])('%j is not one', (text) => {
    expect(isRevocationReason(text)).toBe(false)
  })
})
