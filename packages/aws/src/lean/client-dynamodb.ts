import type {
  BatchGetItemCommandInput,
  BatchGetItemCommandOutput,
  DeleteItemCommandInput,
  DeleteItemCommandOutput,
  DynamoDBPaginationConfiguration,
  GetItemCommandInput,
  GetItemCommandOutput,
  PutItemCommandInput,
  PutItemCommandOutput,
  QueryCommandInput,
  QueryCommandOutput,
  ScanCommandInput,
  ScanCommandOutput,
  UpdateItemCommandInput,
  UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb'
import { LeanClient } from './client.ts'
import { ServiceFault } from './fault.ts'
import { type Codec, fromBase64, jsonCommand, parseBody, toBase64 } from './json-command.ts'
import type { GivenSettings } from './settings.ts'

export class ConditionalCheckFailedException extends ServiceFault {}

/** Stands in for `@aws-sdk/client-dynamodb` in the functions' bundles. */
export class DynamoDBClient extends LeanClient {
  constructor(settings?: GivenSettings) {
    const service = { signing: 'dynamodb', variable: 'DYNAMODB', host: 'dynamodb' }
    super(service, { ConditionalCheckFailedException }, settings)
  }
}

/**
 * Attribute values are the same in JSON but for `B`, whose bytes are base64; sets of bytes are not
 * used here. An attribute that is itself called B holds an object, not a string.
 */
const items: Codec = {
  // `toJSON` of a Buffer has done its work before a replacer sees it, so the value is asked for again
  write: (input) =>
    JSON.stringify(input, function replace(this: Record<string, unknown>, name, value) {
      return name === 'B' ? toBase64(this[name]) : value
    }),
  read: (body) =>
    body.includes('"B":')
      ? JSON.parse(body, (name, value) => (name === 'B' ? fromBase64(value) : value))
      : parseBody(body),
}

function command<Input extends object, Output>(action: string) {
  return jsonCommand<Input, Output>(`DynamoDB_20120810.${action}`, '1.0', items)
}

export const BatchGetItemCommand = /* @__PURE__ */ command<
  BatchGetItemCommandInput,
  BatchGetItemCommandOutput
>('BatchGetItem')
export const GetItemCommand = /* @__PURE__ */ command<GetItemCommandInput, GetItemCommandOutput>(
  'GetItem',
)
export const PutItemCommand = /* @__PURE__ */ command<PutItemCommandInput, PutItemCommandOutput>(
  'PutItem',
)
export const UpdateItemCommand = /* @__PURE__ */ command<
  UpdateItemCommandInput,
  UpdateItemCommandOutput
>('UpdateItem')
export const DeleteItemCommand = /* @__PURE__ */ command<
  DeleteItemCommandInput,
  DeleteItemCommandOutput
>('DeleteItem')
export const QueryCommand = /* @__PURE__ */ command<QueryCommandInput, QueryCommandOutput>('Query')
export const ScanCommand = /* @__PURE__ */ command<ScanCommandInput, ScanCommandOutput>('Scan')

interface Paging {
  readonly client: Pick<DynamoDBClient, 'send'>
  /** Of the SDK's; not used by the functions. */
  readonly pageSize?: DynamoDBPaginationConfiguration['pageSize']
}

/** Every page of a query. */
export async function* paginateQuery(
  { client }: Paging,
  input: QueryCommandInput,
): AsyncGenerator<QueryCommandOutput> {
  let ExclusiveStartKey = input.ExclusiveStartKey
  do {
    const page = await client.send(new QueryCommand({ ...input, ExclusiveStartKey }))
    yield page
    ExclusiveStartKey = page.LastEvaluatedKey
  } while (ExclusiveStartKey)
}

/** Every page of a scan. */
export async function* paginateScan(
  { client }: Paging,
  input: ScanCommandInput,
): AsyncGenerator<ScanCommandOutput> {
  let ExclusiveStartKey = input.ExclusiveStartKey
  do {
    const page = await client.send(new ScanCommand({ ...input, ExclusiveStartKey }))
    yield page
    ExclusiveStartKey = page.LastEvaluatedKey
  } while (ExclusiveStartKey)
}
