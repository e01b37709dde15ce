import {
  AttributeType,
  BillingMode,
  StreamViewType,
  Table,
  type TableProps,
} from 'aws-cdk-lib/aws-dynamodb'
import { Construct } from 'constructs'
import type { Variable } from '../../lambdas/settings.ts'
import { removalOf } from '../deployment.ts'
import type { StageProps } from '../stage.ts'
import type { HeliographFunction } from './function.ts'

export type StoreAction =
  | 'BatchGetItem'
  | 'GetItem'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'Query'
  | 'Scan'

export interface StoreProps {
  /** The variable that tells a function this table's name. */
  readonly variable: Variable
  readonly partitionKey: string
  readonly sortKey?: string
  /** Items go when their attribute `expiresAt` (epoch seconds) has passed. */
  readonly expires?: boolean
  /** Removed and changed items go to a stream, with their old and new image. */
  readonly streamed?: boolean
}

/** A table on demand, with point-in-time recovery. All keys are strings. */
export class Store extends Construct {
  readonly table: Table
  readonly #variable: Variable

  constructor(scope: Construct, id: string, stage: StageProps, props: StoreProps) {
    super(scope, id)
    this.#variable = props.variable
    this.table = new Table(this, 'Table', {
      ...keysOf(props),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: removalOf(stage),
      deletionProtection: stage.removal === 'retain',
      ...(props.expires && { timeToLiveAttribute: 'expiresAt' }),
      ...(props.streamed && { stream: StreamViewType.NEW_AND_OLD_IMAGES }),
    })
  }

  /** ARN of the stream of changes. */
  get streamArn(): string {
    const { tableStreamArn } = this.table
    if (tableStreamArn === undefined) throw new Error(`${this.node.path} has no stream`)
    return tableStreamArn
  }

  /** Tells the function the table's name and permits these actions on its items. */
  grant(grantee: HeliographFunction, ...actions: readonly StoreAction[]): void {
    grantee.set(this.#variable, this.table.tableName)
    grantee.allow(
      actions.map((action) => `dynamodb:${action}`),
      [this.table.tableArn],
    )
  }
}

function keysOf({ partitionKey, sortKey }: StoreProps): Pick<TableProps, 'partitionKey'> {
  const key = (name: string) => ({ name, type: AttributeType.STRING })
  return { partitionKey: key(partitionKey), ...(sortKey && { sortKey: key(sortKey) }) }
}
