import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { type Call, dynamoDb, iotData, kms, sns, sqs } from './services.ts'

/** A call with awkward input, and the answer that a stub gives. */
export interface Sample {
  readonly title: string
  readonly call: Call
  readonly answer: string
}

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index)
/** Bytes in the middle of a larger buffer: its other bytes must not leak. */
const inside = everyByte.subarray(100, 117)
const empty = new Uint8Array()
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

const awkwardText = 'é ü 漢字 😀 \u0000\u001f\u2028 "quoted" \\ </script> {"B":"aGk="} \ud800'

const everyType: Record<string, AttributeValue> = {
  S: { S: awkwardText },
  N: { N: '123456789012345678901234567890.5' },
  B: { B: everyByte },
  bytes: { L: [{ B: inside }, { B: empty }, { B: Buffer.from('a Buffer') }] },
  map: { M: { B: { B: inside }, M: { M: {} }, S: { S: '' } } },
  SS: { SS: ['a', 'ä'] },
  NS: { NS: ['1', '-2'] },
  BOOL: { BOOL: false },
  NULL: { NULL: true },
}
const everyTypeAnswered = {
  S: { S: awkwardText },
  N: { N: '123456789012345678901234567890.5' },
  B: { B: base64(everyByte) },
  bytes: { L: [{ B: base64(inside) }, { B: '' }] },
  map: { M: { B: { B: base64(inside) }, M: { M: {} }, S: { S: 'aGk=' } } },
  SS: { SS: ['a', 'ä'] },
  BOOL: { BOOL: false },
  NULL: { NULL: true },
}

const Key = { pk: { S: 'device/é' }, sk: { B: inside } }
const page = JSON.stringify({ Items: [everyTypeAnswered], Count: 1, ScannedCount: 2 })

const dynamoDbSamples: readonly Sample[] = [
  {
    title: 'GetItem',
    call: dynamoDb((api, client) =>
      client.send(new api.GetItemCommand({ TableName: 't', Key, ConsistentRead: true })),
    ),
    answer: JSON.stringify({ Item: everyTypeAnswered }),
  },
  {
    title: 'GetItem of nothing',
    call: dynamoDb((api, client) => client.send(new api.GetItemCommand({ TableName: 't', Key }))),
    answer: '{}',
  },
  {
    title: 'BatchGetItem',
    call: dynamoDb((api, client) =>
      client.send(
        new api.BatchGetItemCommand({
          RequestItems: { t: { Keys: [Key, { pk: { S: '' } }], ConsistentRead: true } },
        }),
      ),
    ),
    answer: JSON.stringify({
      Responses: { t: [everyTypeAnswered] },
      UnprocessedKeys: { t: { Keys: [{ pk: { B: base64(inside) } }], ConsistentRead: true } },
    }),
  },
  {
    title: 'PutItem with every type',
    call: dynamoDb((api, client) =>
      client.send(
        new api.PutItemCommand({
          TableName: 't',
          Item: everyType,
          ConditionExpression: 'attribute_not_exists(#B) OR seq < :seq',
          ExpressionAttributeNames: { '#B': 'B' },
          ExpressionAttributeValues: { ':seq': { S: '' }, ':B': { B: everyByte } },
          ReturnValues: undefined,
        }),
      ),
    ),
    answer: JSON.stringify({ Attributes: everyTypeAnswered }),
  },
  {
    title: 'PutItem of a large item',
    call: dynamoDb((api, client) =>
      client.send(
        new api.PutItemCommand({
          TableName: 't',
          Item: { text: { S: '漢'.repeat(65_536) }, bytes: { B: Buffer.alloc(200_000, 0xff) } },
        }),
      ),
    ),
    answer: '{}',
  },
  {
    title: 'UpdateItem',
    call: dynamoDb((api, client) =>
      client.send(
        new api.UpdateItemCommand({
          TableName: 't',
          Key,
          UpdateExpression: 'SET #a = :a REMOVE b',
          ExpressionAttributeNames: { '#a': 'a/é$' },
          ExpressionAttributeValues: { ':a': { B: inside } },
          ReturnValues: 'ALL_NEW',
        }),
      ),
    ),
    answer: JSON.stringify({ Attributes: everyTypeAnswered }),
  },
  {
    title: 'DeleteItem',
    call: dynamoDb((api, client) =>
      client.send(new api.DeleteItemCommand({ TableName: 't', Key, ReturnValues: 'ALL_OLD' })),
    ),
    answer: JSON.stringify({ Attributes: { B: { B: base64(everyByte) } } }),
  },
  {
    title: 'Query',
    call: dynamoDb((api, client) =>
      client.send(
        new api.QueryCommand({
          TableName: 't',
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': { B: inside } },
          Limit: 7,
          ScanIndexForward: false,
        }),
      ),
    ),
    answer: page,
  },
  {
    title: 'Scan',
    call: dynamoDb((api, client) =>
      client.send(new api.ScanCommand({ TableName: 't', ExclusiveStartKey: Key })),
    ),
    answer: page,
  },
]

const kmsSamples: readonly Sample[] = [
  {
    title: 'Decrypt',
    call: kms((api, client) =>
      client.send(
        new api.DecryptCommand({
          KeyId: 'alias/é',
          CiphertextBlob: inside,
          EncryptionContext: { 'purpose/é': 'token+key ' },
        }),
      ),
    ),
    answer: JSON.stringify({ KeyId: 'arn', Plaintext: base64(everyByte) }),
  },
  {
    title: 'Encrypt',
    call: kms((api, client) =>
      client.send(
        new api.EncryptCommand({
          KeyId: 'alias/x',
          Plaintext: inside,
          EncryptionContext: { keyId: 'é' },
        }),
      ),
    ),
    answer: JSON.stringify({ KeyId: 'arn', CiphertextBlob: base64(everyByte) }),
  },
  {
    title: 'GenerateDataKeyWithoutPlaintext',
    call: kms((api, client) =>
      client.send(
        new api.GenerateDataKeyWithoutPlaintextCommand({ KeyId: 'alias/x', NumberOfBytes: 64 }),
      ),
    ),
    answer: JSON.stringify({ KeyId: 'arn', CiphertextBlob: base64(inside) }),
  },
  {
    title: 'Sign',
    call: kms((api, client) =>
      client.send(
        new api.SignCommand({
          KeyId: 'alias/x',
          Message: Buffer.from(everyByte),
          MessageType: 'RAW',
          SigningAlgorithm: 'ECDSA_SHA_256',
        }),
      ),
    ),
    answer: JSON.stringify({ KeyId: 'arn', Signature: base64(everyByte) }),
  },
  {
    title: 'GetPublicKey',
    call: kms((api, client) => client.send(new api.GetPublicKeyCommand({ KeyId: 'alias/x' }))),
    answer: JSON.stringify({
      KeyId: 'arn',
      PublicKey: base64(everyByte),
      KeySpec: 'ECC_NIST_P256',
      SigningAlgorithms: ['ECDSA_SHA_256'],
    }),
  },
]

const QueueUrl = 'http://sqs.eu-west-1.localhost:4566/000000000000/queue'

const sqsSamples: readonly Sample[] = [
  {
    title: 'SendMessage',
    call: sqs((api, client) =>
      client.send(
        new api.SendMessageCommand({
          QueueUrl,
          MessageBody: awkwardText,
          MessageGroupId: 'com.example.$+ /',
          DelaySeconds: 0,
          MessageAttributes: { kind: { DataType: 'String', StringValue: 'é' } },
        }),
      ),
    ),
    answer: JSON.stringify({ MessageId: 'id', MD5OfMessageBody: 'not checked' }),
  },
  {
    title: 'SendMessage with a large body',
    call: sqs((api, client) =>
      client.send(new api.SendMessageCommand({ QueueUrl, MessageBody: '漢'.repeat(85_000) })),
    ),
    answer: JSON.stringify({ MessageId: 'id' }),
  },
  {
    title: 'SendMessageBatch',
    call: sqs((api, client) =>
      client.send(
        new api.SendMessageBatchCommand({
          QueueUrl,
          Entries: [
            { Id: '0', MessageBody: awkwardText, MessageGroupId: 'com.example', DelaySeconds: 3 },
            { Id: '1', MessageBody: '漢'.repeat(20_000) },
          ],
        }),
      ),
    ),
    answer: JSON.stringify({
      Successful: [{ Id: '0', MessageId: 'id', MD5OfMessageBody: 'not checked' }],
      Failed: [{ Id: '1', Code: 'InternalError', SenderFault: false }],
    }),
  },
  {
    title: 'ChangeMessageVisibility',
    call: sqs((api, client) =>
      client.send(
        new api.ChangeMessageVisibilityCommand({
          QueueUrl,
          ReceiptHandle: 'AQEB+/=é',
          VisibilityTimeout: 0,
        }),
      ),
    ),
    answer: '',
  },
]

const awkwardNames = [
  'plain-0.9_~',
  'a/b',
  '$aws/rules/x',
  'a+b c',
  'é漢😀',
  "it's(a)*!",
  '100%2F',
  'a?b#c&d=e;f,g:h@i',
  'a//b',
]

const sent = JSON.stringify({ message: 'OK é', traceId: 'trace' })

const iotDataSamples: readonly Sample[] = [
  ...awkwardNames.map((name) => ({
    title: `SendDirectMessage to ${name}`,
    call: iotData((api, client) =>
      client.send(
        new api.SendDirectMessageCommand({
          clientId: name,
          topic: name,
          payload: inside,
          confirmation: true,
          timeout: 5,
        }),
      ),
    ),
    answer: sent,
  })),
  ...Object.entries({ no: empty, every: everyByte, 'very many': Buffer.alloc(131_072, 0xfe) }).map(
    ([title, payload]) => ({
      title: `SendDirectMessage with ${title} bytes`,
      call: iotData((api, client) =>
        client.send(
          new api.SendDirectMessageCommand({
            clientId: 'c',
            topic: 't',
            payload,
            confirmation: false,
          }),
        ),
      ),
      answer: sent,
    }),
  ),
  ...awkwardNames.map((name) => ({
    title: `Publish to ${name}`,
    call: iotData((api, client) =>
      client.send(
        new api.PublishCommand({
          ...{ topic: name, payload: inside, qos: 1, retain: true },
          messageExpiry: 28_800,
        }),
      ),
    ),
    answer: '',
  })),
  {
    title: 'Publish of nothing, with as little as possible',
    call: iotData((api, client) =>
      client.send(new api.PublishCommand({ topic: 't', payload: empty })),
    ),
    answer: '{}',
  },
  {
    title: 'SendDirectMessage answered without a body',
    call: iotData((api, client) =>
      client.send(new api.SendDirectMessageCommand({ clientId: 'c', topic: 't', payload: inside })),
    ),
    answer: '',
  },
]

const xmlText = 'é &lt;漢&gt; &amp;amp; &quot;&apos;&#39;&#xe9;'
const published =
  '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult>' +
  `<Successful><member><Id>0</Id><MessageId>${xmlText}</MessageId></member>` +
  '<member><Id>1</Id><MessageId>m1</MessageId></member></Successful>' +
  `<Failed><member><Id>2</Id><Code>InternalError</Code><Message>${xmlText}</Message>` +
  '<SenderFault>false</SenderFault></member><member><Id>3</Id><Code>InvalidParameter</Code>' +
  '<Message>no</Message><SenderFault>true</SenderFault></member></Failed>' +
  '</PublishBatchResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishBatchResponse>'

const snsSamples: readonly Sample[] = [
  {
    title: 'PublishBatch',
    call: sns((api, client) =>
      client.send(
        new api.PublishBatchCommand({
          TopicArn: 'arn:aws:sns:eu-west-1:000000000000:t',
          PublishBatchRequestEntries: [
            {
              Id: '0',
              Message: `${awkwardText.replace('\ud800', '')} !'()*~&=+%`,
              MessageAttributes: {
                topic: { DataType: 'String', StringValue: 'com.example.app' },
                'pushType&': { DataType: 'String', StringValue: 'é=1' },
              },
            },
            { Id: '1', Message: 'plain' },
          ],
        }),
      ),
    ),
    answer: published,
  },
]

/** Every command of the lean clients. */
export const samples: readonly Sample[] = [
  ...dynamoDbSamples,
  ...kmsSamples,
  ...snsSamples,
  ...sqsSamples,
  ...iotDataSamples,
]
