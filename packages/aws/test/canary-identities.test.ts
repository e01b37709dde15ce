import { randomBytes } from 'node:crypto'
import {
  type DynamoDBClient,
  GetItemCommand,
  type PutItemCommandInput,
} from '@aws-sdk/client-dynamodb'
import { type DecryptCommandInput, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Item } from '../src/attributes.ts'
import { canaryIdentities } from '../src/canary-identities.ts'

const identity = {
  ...{ privateKey: 'the private key', certificate: 'the certificate' },
  ...{ deviceId: 'the device', device: 'what it keeps' },
}

/** A table and a key of KMS, which wraps by remembering. */
class World {
  readonly items = new Map<string, Item>()
  readonly wrapped = new Map<string, { key: Uint8Array; context: string }>()
  decryptions = 0

  readonly dynamoDb = {
    send: async (command: GetItemCommand | { input: PutItemCommandInput }) => {
      if (command instanceof GetItemCommand)
        return { Item: this.items.get(command.input.Key?.name?.S ?? '') }
      const { Item: item = {} } = command.input as PutItemCommandInput
      this.items.set(item.name?.S ?? '', item)
      return {}
    },
  } as unknown as DynamoDBClient

  readonly kms = {
    send: async (command: EncryptCommand | { input: DecryptCommandInput }) => {
      const context = JSON.stringify(command.input.EncryptionContext)
      if (command instanceof EncryptCommand) {
        const blob = randomBytes(40)
        const key = command.input.Plaintext ?? new Uint8Array()
        this.wrapped.set(blob.toString('hex'), { key, context })
        return { CiphertextBlob: blob }
      }
      this.decryptions += 1
      const { CiphertextBlob: blob = new Uint8Array() } = command.input as DecryptCommandInput
      const found = this.wrapped.get(Buffer.from(blob).toString('hex'))
      if (found?.context !== context) throw new Error('InvalidCiphertextException')
      return { Plaintext: found.key }
    },
  } as unknown as KMSClient

  open() {
    return canaryIdentities(this.dynamoDb, this.kms, 'table', 'key')
  }

  item(name: string): Item {
    const found = this.items.get(name)
    if (!found) throw new Error(`no item ${name}`)
    return found
  }
}

let world: World
beforeEach(() => {
  world = new World()
})

describe('who the canary is', () => {
  test('is nobody at first', async () => {
    expect(await world.open().find()).toBeUndefined()
    expect(await world.open().findNext()).toBeUndefined()
  })

  test('is kept, and the key of the next enrollment beside it', async () => {
    await world.open().keep(identity)
    await world.open().keepNext('the next private key')
    expect(await world.open().find()).toEqual(identity)
    expect(await world.open().findNext()).toBe('the next private key')
  })

  test('cannot be read in the table, and never twice the same', async () => {
    await world.open().keep(identity)
    const first = world.item('identity')
    await world.open().keep(identity)
    expect(Buffer.from(first.sealed?.B ?? []).toString('latin1')).not.toContain('private key')
    expect(world.item('identity')).not.toEqual(first)
  })

  test('costs one call of KMS for as long as it stays the same', async () => {
    const identities = world.open()
    await identities.keep(identity)
    for (let run = 0; run < 3; run += 1) await identities.find()
    expect(world.decryptions).toBe(1)
    await world.open().keep({ ...identity, device: 'a renewed certificate' })
    expect(await identities.find()).toMatchObject({ device: 'a renewed certificate' })
    expect(world.decryptions).toBe(2)
  })

  test('counts as nothing once a byte of it is another', async () => {
    await world.open().keep(identity)
    const { sealed, ...item } = world.item('identity')
    const bytes = Buffer.from(sealed?.B ?? [])
    for (const at of [0, 20, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      world.items.set('identity', { ...item, sealed: { B: changed } })
      await expect(world.open().find()).rejects.toThrow()
    }
    world.items.set('identity', { ...item, sealed: { B: bytes.subarray(0, 20) } })
    await expect(world.open().find()).rejects.toThrow()
  })

  test('cannot be put in the place of something else', async () => {
    await world.open().keepNext(JSON.stringify(identity))
    world.items.set('identity', { ...world.item('next'), name: { S: 'identity' } })
    await expect(world.open().find()).rejects.toThrow('InvalidCiphertextException')
  })

  test('is malformed where the row lacks something', async () => {
    world.items.set('identity', { name: { S: 'identity' } })
    await expect(world.open().find()).rejects.toThrow('malformed')
  })
})
