import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { AwsError, answer, answerServiceError, escapeXml, notAuthorized } from '../answer.ts'
import type { ServiceRequest } from '../types.ts'
import { invalidParameter, snsError } from './error.ts'
import { type Content, maxBytes, sizeOf } from './message.ts'
import { Query } from './query.ts'
import type { Subscription } from './subscription.ts'
import type { Topics } from './topics.ts'

const namespace = 'http://sns.amazonaws.com/doc/2010-03-31/'
const maxEntries = 10

interface Action {
  /** The resource in the IAM request; `*` if an action names none. */
  resource(query: Query, topics: Topics): string
  /** The XML of the result. */
  act(topics: Topics, query: Query): string
}

const ofTopic: Action['resource'] = (query) => query.text('TopicArn')
/** IAM knows topics only: the ARN of a subscription begins with its topic's. */
const ofSubscription: Action['resource'] = (query) =>
  query.text('SubscriptionArn').split(':').slice(0, 6).join(':')

const actions: Readonly<Record<string, Action>> = {
  ConfirmSubscription: {
    resource: ofTopic,
    act: (topics, query) => {
      const { saved } = topics.confirm(query.text('TopicArn'), query.text('Token'))
      return text('SubscriptionArn', saved.arn)
    },
  },
  CreateTopic: {
    resource: (query, { identity }) =>
      `arn:aws:sns:${identity.region}:${identity.accountId}:${query.text('Name')}`,
    act: (topics, query) =>
      text('TopicArn', topics.createTopic(query.text('Name'), query.map('Attributes')).arn),
  },
  DeleteTopic: {
    resource: ofTopic,
    act: ({ registry }, query) => {
      registry.removeTopic(query.text('TopicArn'))
      return ''
    },
  },
  GetSubscriptionAttributes: {
    resource: ofSubscription,
    act: (topics, query) =>
      map(attributesOf(topics.subscription(query.text('SubscriptionArn')), topics)),
  },
  GetTopicAttributes: { resource: ofTopic, act: topicAttributes },
  ListSubscriptionsByTopic: {
    resource: ofTopic,
    act: (topics, query) => {
      const { arn } = topics.find(query.text('TopicArn'))
      return list(
        'Subscriptions',
        topics.registry.of(arn).map((one) => listed(one, topics)),
      )
    },
  },
  ListTopics: {
    resource: () => '*',
    act: ({ registry }) =>
      list(
        'Topics',
        [...registry.topics.values()].map(({ arn }) => text('TopicArn', arn)),
      ),
  },
  Publish: {
    resource: ofTopic,
    act: (topics, query) => {
      const { messageId } = topics.publish(query.text('TopicArn'), contentOf(query))
      return text('MessageId', messageId)
    },
  },
  PublishBatch: { resource: ofTopic, act: publishBatch },
  SetSubscriptionAttributes: {
    resource: ofSubscription,
    act: (topics, query) => {
      const subscription = topics.subscription(query.text('SubscriptionArn'))
      subscription.change({ [query.text('AttributeName')]: query.text('AttributeValue') })
      topics.registry.save(subscription)
      return ''
    },
  },
  Subscribe: { resource: ofTopic, act: subscribe },
  Unsubscribe: {
    resource: ofSubscription,
    act: (topics, query) => {
      topics.registry.removeSubscription(query.text('SubscriptionArn'))
      return ''
    },
  },
}

/** One call in the Query protocol. */
export async function handle(
  topics: Topics,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  try {
    const query = new Query(new URLSearchParams(request.body.toString('utf8')))
    const name = query.text('Action')
    const action = actions[name]
    if (action === undefined)
      throw snsError('InvalidAction', `The embedded SNS does not have ${name}.`)
    authorize(request, name, action.resource(query, topics))
    answerXml(response, name, action.act(topics, query))
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    answerServiceError(response, 'sns', error.status, error.code, error.message)
  }
}

function authorize({ caller }: ServiceRequest, name: string, resource: string): void {
  // a batch needs what its entries need alone
  const permission = `sns:${name.replace(/Batch$/, '')}`
  if (caller.may(permission, resource)) return
  throw snsError('AuthorizationError', notAuthorized(caller.name, permission, resource), 403)
}

function contentOf(query: Query): Content {
  for (const member of ['MessageStructure', 'TargetArn', 'PhoneNumber', 'MessageGroupId'])
    if (query.get(member) !== undefined)
      throw invalidParameter(`the embedded SNS does not know ${member}`)
  const subject = query.get('Subject')
  return {
    message: query.text('Message'),
    ...(subject !== undefined && { subject }),
    attributes: query.attributes(),
  }
}

function publishBatch(topics: Topics, query: Query): string {
  const entries = query.members('PublishBatchRequestEntries')
  const { arn } = topics.find(query.text('TopicArn'))
  checkBatch(entries)
  const [successful, failed]: [string[], string[]] = [[], []]
  for (const entry of entries) {
    const id = text('Id', entry.text('Id'))
    try {
      const { messageId } = topics.publish(arn, contentOf(entry))
      successful.push(id + text('MessageId', messageId))
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      const { code, message } = error
      failed.push(id + text('Code', code) + text('Message', message) + text('SenderFault', 'true'))
    }
  }
  return list('Successful', successful) + list('Failed', failed)
}

/** sns:API_PublishBatch */
function checkBatch(entries: readonly Query[]): void {
  const ids = entries.map((entry) => entry.text('Id'))
  if (ids.length === 0) throw snsError('EmptyBatchRequest', 'The batch has no entries.')
  if (ids.length > maxEntries)
    throw snsError('TooManyEntriesInBatchRequest', 'A batch may have at most 10 entries.')
  if (ids.some((id) => !/^[\w-]{1,80}$/.test(id)))
    throw snsError('InvalidBatchEntryId', 'An entry id has 1 to 80 of A-Z a-z 0-9 - and _.')
  if (new Set(ids).size < ids.length)
    throw snsError('BatchEntryIdsNotDistinct', 'Two entries of the batch have the same Id.')
  const bytes = entries.reduce((sum, entry) => sum + sizeOf(contentOf(entry)), 0)
  if (bytes > maxBytes)
    throw snsError('BatchRequestTooLong', `A batch may have at most ${maxBytes} bytes.`)
}

function subscribe(topics: Topics, query: Query): string {
  const subscription = topics.subscribe({
    topicArn: query.text('TopicArn'),
    protocol: query.text('Protocol'),
    endpoint: query.text('Endpoint'),
    attributes: query.map('Attributes'),
  })
  const isShown = !subscription.isPending || query.get('ReturnSubscriptionArn') === 'true'
  return text('SubscriptionArn', isShown ? subscription.saved.arn : 'pending confirmation')
}

function topicAttributes(topics: Topics, query: Query): string {
  const { arn, attributes } = topics.find(query.text('TopicArn'))
  const all = topics.registry.of(arn)
  const pending = all.filter(({ isPending }) => isPending).length
  return map({
    ...attributes,
    TopicArn: arn,
    Owner: topics.identity.accountId,
    SubscriptionsConfirmed: String(all.length - pending),
    SubscriptionsPending: String(pending),
    SubscriptionsDeleted: '0',
  })
}

function attributesOf({ saved, isPending, raw }: Subscription, { identity }: Topics) {
  return {
    ...saved.attributes,
    SubscriptionArn: saved.arn,
    TopicArn: saved.topicArn,
    Protocol: saved.protocol,
    Endpoint: saved.endpoint,
    Owner: identity.accountId,
    PendingConfirmation: String(isPending),
    RawMessageDelivery: String(raw),
  }
}

function listed({ saved, isPending }: Subscription, { identity }: Topics): string {
  return (
    text('SubscriptionArn', isPending ? 'PendingConfirmation' : saved.arn) +
    text('Owner', identity.accountId) +
    text('Protocol', saved.protocol) +
    text('Endpoint', saved.endpoint) +
    text('TopicArn', saved.topicArn)
  )
}

function answerXml(response: ServerResponse, action: string, result: string): void {
  const metadata = element('ResponseMetadata', text('RequestId', randomUUID()))
  const body = element(`${action}Result`, result) + metadata
  const xml = `<${action}Response xmlns="${namespace}">${body}</${action}Response>`
  answer(response, 200, { 'content-type': 'text/xml' }, xml)
}

function map(entries: Readonly<Record<string, string>>): string {
  const parts = Object.entries(entries).map(([key, value]) =>
    element('entry', text('key', key) + text('value', value)),
  )
  return element('Attributes', parts.join(''))
}

function list(name: string, members: readonly string[]): string {
  return element(name, members.map((member) => element('member', member)).join(''))
}

function text(name: string, value: string): string {
  return element(name, escapeXml(value))
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`
}
