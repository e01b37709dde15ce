import {
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { SetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { OperatorClients } from '../../aws/operator/clients.ts'
import { isJsonObject } from '../../local/assembly/json.ts'
import type { Deployed, DeployedResource } from './deployed.ts'

/** Sets by API what MiniStack drops from templates without a word; elsewhere it changes nothing. */
export async function setWhatWasDropped(
  deployed: Deployed,
  clients: OperatorClients,
): Promise<void> {
  const tables = deployed.resources('AWS::DynamoDB::Table')
  const queues = deployed.resources('AWS::SQS::Queue')
  await Promise.all([
    ...tables.map((table) => setTimeToLive(table, clients.dynamoDb)),
    ...queues.map((queue) => setRedrive(queue, clients.sqs)),
  ])
}

async function setTimeToLive(
  { physicalId: TableName, properties }: DeployedResource,
  client: DynamoDBClient,
): Promise<void> {
  const wanted = properties.TimeToLiveSpecification
  if (!isJsonObject(wanted)) return
  const { TimeToLiveDescription: is } = await client.send(
    new DescribeTimeToLiveCommand({ TableName }),
  )
  if (is?.TimeToLiveStatus === 'ENABLED') return
  const AttributeName = String(wanted.AttributeName)
  const TimeToLiveSpecification = { AttributeName, Enabled: true }
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
}

async function setRedrive(
  { physicalId: QueueUrl, properties }: DeployedResource,
  client: SQSClient,
): Promise<void> {
  if (!isJsonObject(properties.RedrivePolicy)) return
  const RedrivePolicy = JSON.stringify(properties.RedrivePolicy)
  await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy } }))
}
