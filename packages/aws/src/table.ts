import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb'
import type { Item } from './attributes.ts'

/** A change of one item; the condition is what must hold for it. */
export type ConditionalUpdate = Pick<
  UpdateItemCommandInput,
  'UpdateExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
> & { readonly ConditionExpression: string }

/** What must hold for an item to be put. */
export type PutCondition = Pick<PutItemCommandInput, 'ExpressionAttributeValues'> & {
  readonly ConditionExpression: string
}

/** A change of one item, whatever it contains. */
export type Update = Omit<ConditionalUpdate, 'ConditionExpression'>

/** One DynamoDB table. */
export interface Table {
  /** The current item under this key, read consistently; undefined if it does not exist. */
  get(key: Item): Promise<Item | undefined>
  /** The items that exist under these keys, no two of which are the same, in any order. */
  getAll(keys: readonly Item[]): Promise<readonly Item[]>
  put(item: Item): Promise<void>
  /** Says whether it was put; false if the condition did not hold. */
  putIf(item: Item, condition: PutCondition): Promise<boolean>
  /** The whole item after the change, which creates it if it is missing. */
  update(key: Item, update: Update): Promise<Item>
  /** The whole item after the change; undefined if the condition did not hold. */
  updateIf(key: Item, update: ConditionalUpdate): Promise<Item | undefined>
}

/** Of one call (DynamoDB: BatchGetItem). */
const MOST_KEYS = 100

export function table(client: DynamoDBClient, tableName: string): Table {
  return {
    async get(key) {
      const command = new GetItemCommand({ TableName: tableName, Key: key, ConsistentRead: true })
      return (await client.send(command)).Item
    },

    async getAll(keys) {
      const pages = Math.ceil(keys.length / MOST_KEYS)
      const some = Array.from({ length: pages }, (_, n) =>
        getSome(keys.slice(n * MOST_KEYS, (n + 1) * MOST_KEYS)),
      )
      return (await Promise.all(some)).flat()
    },

    async put(item) {
      await client.send(new PutItemCommand({ TableName: tableName, Item: item }))
    },

    async putIf(item, condition) {
      const command = new PutItemCommand({ TableName: tableName, Item: item, ...condition })
      return (await whereConditionHolds(client.send(command))) !== undefined
    },

    update: change,

    updateIf: (key, update) => whereConditionHolds(change(key, update)),
  }

  /** What DynamoDB had no capacity for is asked again, as long as it gets on with it. */
  async function getSome(keys: readonly Item[]): Promise<Item[]> {
    const wanted = { [tableName]: { Keys: [...keys], ConsistentRead: true } }
    const answer = await client.send(new BatchGetItemCommand({ RequestItems: wanted }))
    const items = answer.Responses?.[tableName] ?? []
    const rest = answer.UnprocessedKeys?.[tableName]?.Keys ?? []
    if (rest.length === keys.length) throw new Error('DynamoDB read none of the requested items')
    return rest.length === 0 ? items : [...items, ...(await getSome(rest))]
  }

  async function change(key: Item, update: Update): Promise<Item> {
    const input = { TableName: tableName, Key: key, ...update, ReturnValues: 'ALL_NEW' } as const
    const { Attributes: item } = await client.send(new UpdateItemCommand(input))
    if (!item) throw new Error('DynamoDB returned no item for an update')
    return item
  }
}

/** The answer to a conditional write; undefined if its condition did not hold. */
export async function whereConditionHolds<Answer>(
  write: Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await write
  } catch (fault) {
    if (fault instanceof ConditionalCheckFailedException) return undefined
    throw fault
  }
}
