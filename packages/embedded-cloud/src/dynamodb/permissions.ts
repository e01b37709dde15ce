import type { CloudIdentity } from '../types.ts'
import type { Json } from './dynalite.ts'

export interface Permission {
  readonly action: string
  readonly resource: string
}

/** `arn:aws:dynamodb:<region>:<account>:table/<name>`. */
export function tableArn({ region, accountId }: CloudIdentity, table: string): string {
  return `arn:aws:dynamodb:${region}:${accountId}:table/${table}`
}

/** A table's name from its name or ARN; the API takes either. */
export function tableName(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1) : nameOrArn
}

/** What IAM must allow for one call. */
export function permissionsFor(
  operation: string,
  input: Json,
  identity: CloudIdentity,
): readonly Permission[] {
  const action = `dynamodb:${operation}`
  const { TableName, IndexName, ResourceArn, RequestItems } = input
  if (typeof RequestItems === 'object' && RequestItems !== null) {
    const tables = Object.keys(RequestItems)
    return tables.map((name) => ({ action, resource: tableArn(identity, tableName(name)) }))
  }
  if (typeof ResourceArn === 'string') return [{ action, resource: ResourceArn }]
  if (typeof TableName !== 'string') return [{ action, resource: '*' }]
  const table = tableArn(identity, tableName(TableName))
  if (typeof IndexName !== 'string') return [{ action, resource: table }]
  return [{ action, resource: `${table}/index/${IndexName}` }]
}
