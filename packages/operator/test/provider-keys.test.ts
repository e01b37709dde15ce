import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { providerKeyRecords } from '@heliograph/aws/operator/provider-key-records'
import { afterAll, describe, expect, it } from 'vitest'
import type { Deployment } from '../src/deployment.ts'
import { draftPrivate } from '../src/files.ts'
import { createProviderKey, newProviderKeyId } from '../src/operations/provider-keys.ts'
import { scratchFolder } from './support.ts'

const folder = scratchFolder()
afterAll(() => folder.remove())

interface Command {
  readonly input: {
    readonly Key: { readonly keyId: { readonly S: string } }
    readonly ExpressionAttributeValues?: Readonly<Record<string, unknown>>
  }
}
type Kind = 'GetItemCommand' | 'UpdateItemCommand'

/** A table of provider keys whose commands are disturbed: `before` and `after` they take effect. */
function deploymentOf(disturb: {
  readonly before?: (kind: Kind) => void
  readonly after?: (kind: Kind, key: string) => void
}): { readonly deployment: Deployment; readonly items: Map<string, object> } {
  const items = new Map<string, object>()
  const send = async (command: Command) => {
    const kind = command.constructor.name as Kind
    disturb.before?.(kind)
    const { Key, ExpressionAttributeValues: values = {} } = command.input
    const id = Key.keyId.S
    if (kind === 'UpdateItemCommand') {
      const named = Object.entries(values).map(([name, value]) => [name.slice(1), value])
      items.set(id, { keyId: { S: id }, ...Object.fromEntries(named) })
    }
    disturb.after?.(kind, id)
    const item = items.get(id)
    return kind === 'GetItemCommand' ? { Item: item } : { Attributes: item }
  }
  const deployment = {
    stage: 'test',
    ports: { providerKeys: providerKeyRecords({ send } as unknown as DynamoDBClient, 'keys') },
    clock: { now: () => 1_000 },
  } as unknown as Deployment
  return { deployment, items }
}

const fail = (text: string) => {
  throw new Error(text)
}

function orderIn(name: string, replace = false) {
  const path = join(folder.path, name)
  const keyId = newProviderKeyId()
  const order = { topics: ['com.example.app'], team: 'ABCDE12345', keyId }
  return { path, keyId, order, store: (p8: string) => draftPrivate(path, p8, replace) }
}

describe('a provider key that is made', () => {
  it('is in its file before it is on record', async () => {
    const { path, order, store, keyId } = orderIn('first.p8')
    const seen: boolean[] = []
    const { deployment, items } = deploymentOf({ before: () => seen.push(existsSync(path)) })
    await createProviderKey(deployment, order, store)
    expect(seen).not.toContain(false)
    expect(items.has(keyId)).toBe(true)
    expect(readFileSync(path, 'utf8')).toContain('BEGIN PRIVATE KEY')
  })

  it('spends no id where its file cannot be written', async () => {
    const { path, order, store } = orderIn('there.p8')
    writeFileSync(path, 'of another')
    const { deployment, items } = deploymentOf({})
    await expect(createProviderKey(deployment, order, store)).rejects.toThrow('already exists')
    expect(items.size).toBe(0)
    expect(readFileSync(path, 'utf8')).toBe('of another')
  })

  it('leaves no file where it cannot be put on record, and says so', async () => {
    const { path, order, store } = orderIn('removed.p8')
    const { deployment } = deploymentOf({
      before: (kind) => kind === 'UpdateItemCommand' && fail('the table is out of order'),
    })
    await expect(createProviderKey(deployment, order, store)).rejects.toThrow(
      `the table is out of order; nothing was put on record, and ${path} was removed`,
    )
    expect(existsSync(path)).toBe(false)
  })

  it('leaves the file that it was to replace where it cannot be put on record', async () => {
    const { path, order, store } = orderIn('replaced.p8', true)
    writeFileSync(path, 'old')
    const broken = deploymentOf({
      before: (kind) => kind === 'UpdateItemCommand' && fail('out of order'),
    })
    await expect(createProviderKey(broken.deployment, order, store)).rejects.toThrow()
    expect(readFileSync(path, 'utf8')).toBe('old')
    await createProviderKey(deploymentOf({}).deployment, order, store)
    expect(readFileSync(path, 'utf8')).toContain('BEGIN PRIVATE KEY')
  })

  it('is made where only the answer to its record is lost', async () => {
    const { path, order, store, keyId } = orderIn('lost.p8')
    const { deployment, items } = deploymentOf({
      after: (kind, key) =>
        kind === 'UpdateItemCommand' && key === keyId && fail('connection lost'),
    })
    expect(await createProviderKey(deployment, order, store)).toMatchObject({ keyId })
    expect(items.has(keyId)).toBe(true)
    expect(existsSync(path)).toBe(true)
  })

  it('keeps its file where nobody knows whether it is on record', async () => {
    const { path, order, store, keyId } = orderIn('doubt.p8')
    let wrote = false
    const { deployment } = deploymentOf({
      before: (kind) => wrote && kind === 'GetItemCommand' && fail('connection lost'),
      after: (kind, key) => {
        if (kind !== 'UpdateItemCommand' || key !== keyId) return
        wrote = true
        fail('connection lost')
      },
    })
    await expect(createProviderKey(deployment, order, store)).rejects.toThrow(
      `its private half stays in ${path}`,
    )
    expect(existsSync(path)).toBe(true)
  })
})
