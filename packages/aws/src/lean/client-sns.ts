import type { PublishBatchCommandInput, PublishBatchCommandOutput } from '@aws-sdk/client-sns'
import { type Call, type Command, LeanClient } from './client.ts'
import type { GivenSettings } from './settings.ts'
import { encoded } from './signature.ts'
import { elementsOf, textOf } from './xml.ts'

/** Stands in for `@aws-sdk/client-sns` in the functions' bundles. */
export class SNSClient extends LeanClient {
  constructor(settings?: GivenSettings) {
    super({ signing: 'sns', variable: 'SNS', host: 'sns' }, {}, settings)
  }
}

type Entry = NonNullable<PublishBatchCommandInput['PublishBatchRequestEntries']>[number]

const headers = { 'content-type': 'application/x-www-form-urlencoded' }

/** In the Query protocol: a form, answered in XML (Smithy: "AWS Query protocol"). */
export class PublishBatchCommand implements Command<PublishBatchCommandOutput> {
  readonly input: PublishBatchCommandInput

  constructor(input: PublishBatchCommandInput) {
    this.input = input
  }

  toCall(): Call {
    const { TopicArn = '', PublishBatchRequestEntries: entries = [] } = this.input
    const fields = [
      ['Action', 'PublishBatch'],
      ['Version', '2010-03-31'],
      ['TopicArn', TopicArn],
      ...entries.flatMap((entry, place) =>
        fieldsOf(entry, `PublishBatchRequestEntries.member.${place + 1}`),
      ),
    ] as const
    const body = fields.map(([name, value]) => `${name}=${encoded(value)}`).join('&')
    return { method: 'POST', path: '/', headers, body }
  }

  toOutput(body: string): PublishBatchCommandOutput {
    const members = (list: string) =>
      elementsOf(textOf(body, list) ?? '', 'member').map((member) => ({
        text: (name: string) => textOf(member, name),
      }))
    return {
      Successful: members('Successful').map(({ text }) => ({
        Id: text('Id'),
        MessageId: text('MessageId'),
      })),
      Failed: members('Failed').map(({ text }) => ({
        Id: text('Id'),
        Code: text('Code'),
        SenderFault: text('SenderFault') === 'true',
        Message: text('Message'),
      })),
    } as PublishBatchCommandOutput
  }
}

type Field = readonly [name: string, value: string]

function fieldsOf({ Id, Message, MessageAttributes, ...others }: Entry, prefix: string): Field[] {
  refuse(Object.keys(others))
  const attributes = Object.entries(MessageAttributes ?? {})
  return [
    [`${prefix}.Id`, Id ?? ''],
    [`${prefix}.Message`, Message ?? ''],
    ...attributes.flatMap(([name, { DataType, StringValue, ...more }], place): Field[] => {
      refuse(Object.keys(more))
      const entry = `${prefix}.MessageAttributes.entry.${place + 1}`
      return [
        [`${entry}.Name`, name],
        [`${entry}.Value.DataType`, DataType ?? ''],
        [`${entry}.Value.StringValue`, StringValue ?? ''],
      ]
    }),
  ]
}

/** The code is checked against the SDK's types, which have more members. */
function refuse([unknown]: readonly string[]): void {
  if (unknown !== undefined)
    throw new Error(`the lean client does not send ${unknown}: add it to aws/lean`)
}
