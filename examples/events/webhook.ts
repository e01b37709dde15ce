/**
 * A webhook that receives the events of a stage from SNS over HTTP, confirms its subscription and
 * prints what it receives.
 *
 *   npx tsx examples/events/webhook.ts <ARN of the topic> [port, default 8080]
 *
 * Put it behind HTTPS. Against the embedded cloud: SNS_HOST=localhost:<port of cloud.topicsUrl>, and
 * NODE_EXTRA_CA_CERTS=<cloud.caFile>.
 */
import { createServer, type IncomingMessage } from 'node:http'
import MessageValidator from 'sns-validator'

const [topicArn, port = '8080'] = process.argv.slice(2)
if (!topicArn) throw new Error('name the topic whose events you want: its ARN')

/**
 * The hosts of SNS: only certificates from there are trusted, and subscriptions are confirmed only
 * there.
 */
const { SNS_HOST: localHost } = process.env
const hosts = localHost
  ? new RegExp(`^${localHost.replaceAll('.', '\\.')}$`)
  : /^sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?$/
const validator = new MessageValidator(hosts)

interface SnsMessage {
  readonly Type: string
  readonly TopicArn: string
  readonly Message: string
  readonly SignatureVersion: string
  readonly SubscribeURL?: string
}

/** SNS takes messages of up to 256 KB, which JSON may double. */
const MAX_BYTES = 1024 * 1024

/** The message, if it has SNS's signature; undefined for everything else. */
async function genuine(text: string): Promise<SnsMessage | undefined> {
  const message = parse(text)
  // anyone can have SNS sign messages from their own topic, and SHA-1 can no longer be trusted
  if (message?.TopicArn !== topicArn || message?.SignatureVersion !== '2') return undefined
  return new Promise((resolve) =>
    validator.validate({ ...message }, (fault) => {
      if (fault) console.error(`refused: ${fault.message}`)
      resolve(fault ? undefined : message)
    }),
  )
}

function parse(text: string): SnsMessage | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as SnsMessage) : undefined
  } catch {
    return undefined
  }
}

async function confirm({ SubscribeURL: link = '' }: SnsMessage): Promise<void> {
  const { protocol, host } = new URL(link)
  if (protocol !== 'https:' || !hosts.test(host)) throw new Error(`${host} is not SNS`)
  const answer = await fetch(link)
  if (!answer.ok) throw new Error(`the subscription was not confirmed: ${answer.status}`)
  console.log('subscribed')
}

/** The status: SNS retries after 5xx, and gives up after 4xx. */
async function take(request: IncomingMessage): Promise<number> {
  const text = await bodyOf(request)
  const message = text === undefined ? undefined : await genuine(text)
  if (!message) return 403
  if (message.Type === 'SubscriptionConfirmation') await confirm(message)
  // save it before this returns; it may come twice
  if (message.Type === 'Notification') console.log(message.Message)
  return 200
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const server = createServer((request, response) => {
  take(request).then(
    (status) => response.writeHead(status).end(),
    (fault: unknown) => {
      console.error(fault)
      response.writeHead(500).end()
    },
  )
})
server.listen(Number(port), localHost ? '127.0.0.1' : undefined, () =>
  console.log(`listening on ${port}`),
)
