import type { TokenKeyId } from '@heliograph/protocol/identifiers'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import { beforeEach, describe, expect, test } from 'vitest'
import { makeRing, rotateHandler } from '../../lambdas/rotate/handler.ts'
import { atOnce } from '../../tools/simulate/ports/access.ts'
import { memoryTokenKeyStore, TokenKeys } from '../../tools/simulate/ports/token-keys.ts'
import { SetClock, seqAt } from '../contract/samples.ts'

let clock: SetClock
let keys: TokenKeys
let lines: string[]

beforeEach(() => {
  clock = new SetClock()
  keys = new TokenKeys((length) => new Uint8Array(length).fill(1))
  lines = []
})

const ports = () => ({
  clock,
  ids: { uuid: () => '', bytes: () => new Uint8Array(), seq: seqAt },
  tokenKeys: memoryTokenKeyStore(keys, atOnce),
  graceMs: 1_000,
})
const note = (line: string) => void lines.push(line)
const rotate = (event: object) =>
  rotateHandler(ports(), { info: note, warn: note, error: note })(event)

describe('a call', () => {
  test('of an operator rotates, however young the primary key is', async () => {
    keys.create(seqAt(clock.time) as string as TokenKeyId, clock.time)
    clock.time += 1
    const rotation = await rotate({})
    expect(keys.list().map(({ id }) => id)).toContain(rotation?.created)
    expect(keys.list()).toHaveLength(2)
    expect(lines).toEqual(['token keys rotated'])
  })

  test('of the schedule does not rotate again what it has just rotated', async () => {
    keys.create(seqAt(clock.time) as string as TokenKeyId, clock.time)
    expect(await rotate({ 'detail-type': 'Scheduled Event' })).toBeUndefined()
    expect(keys.list()).toHaveLength(1)
    expect(lines).toEqual(['the primary token key is young: not rotated'])
  })
})

describe('a deployment', () => {
  const deploy = (RequestType: CloudFormationCustomResourceEvent['RequestType']) =>
    makeRing({ RequestType }, 'prod', ports())

  test('makes the first key, and no other', async () => {
    for (const type of ['Create', 'Update', 'Create'] as const)
      expect(await deploy(type)).toEqual({ physicalId: 'token-key-ring-prod' })
    expect(keys.list()).toHaveLength(1)
  })

  test('that finds no key makes one, whether it creates or updates', async () => {
    await deploy('Update')
    expect(keys.list()).toHaveLength(1)
  })

  test('makes none when it is deleted', async () => {
    await deploy('Delete')
    expect(keys.list()).toEqual([])
  })
})
