import type {
  ChangeMessageVisibilityCommandInput,
  SendMessageBatchCommandInput,
  SendMessageBatchCommandOutput,
  SendMessageCommandInput,
  SendMessageCommandOutput,
} from '@aws-sdk/client-sqs'
import { LeanClient } from './client.ts'
import { jsonCommand } from './json-command.ts'
import type { GivenSettings } from './settings.ts'

/** Stands in for `@aws-sdk/client-sqs` in the functions' bundles. */
export class SQSClient extends LeanClient {
  constructor(settings?: GivenSettings) {
    super({ signing: 'sqs', variable: 'SQS', host: 'sqs' }, {}, settings)
  }
}

export const SendMessageCommand = /* @__PURE__ */ jsonCommand<
  SendMessageCommandInput,
  SendMessageCommandOutput
>('AmazonSQS.SendMessage', '1.0')

export const SendMessageBatchCommand = /* @__PURE__ */ jsonCommand<
  SendMessageBatchCommandInput,
  SendMessageBatchCommandOutput
>('AmazonSQS.SendMessageBatch', '1.0')

export const ChangeMessageVisibilityCommand = /* @__PURE__ */ jsonCommand<
  ChangeMessageVisibilityCommandInput,
  object
>('AmazonSQS.ChangeMessageVisibility', '1.0')
