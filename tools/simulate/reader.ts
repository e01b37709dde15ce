import type { Topic } from '@heliograph/protocol/identifiers'
import type { ProviderCertificate } from './certificates.ts'
import type { World } from './world.ts'

/** Reads `GET /3/feedback` page by page, each from where the last one ended. */
export class FeedbackReader {
  readonly topic: Topic
  readonly read: string[] = []
  readonly #world: World
  readonly #certificate: ProviderCertificate
  #cursor = ''

  constructor(topic: Topic, certificate: ProviderCertificate, world: World) {
    this.topic = topic
    this.#certificate = certificate
    this.#world = world
  }

  /** One page; a failed call leaves the reader where it was. */
  next(done: () => void = () => {}): void {
    const request = {
      method: 'GET',
      path: '/3/feedback',
      headers: { 'apns-topic': this.topic },
      query: { after: this.#cursor, topic: this.topic },
      body: new Uint8Array(),
      clientCertificate: this.#certificate.pem,
    }
    this.#world.functions.readFeedback.invoke(request, (result) => {
      if ('answer' in result && result.answer.status === 200) this.#take(result.answer.body)
      done()
    })
  }

  #take(body = '{}'): void {
    const page = JSON.parse(body) as { feedback: object[]; cursor: string }
    this.read.push(...page.feedback.map((entry) => JSON.stringify(entry)))
    this.#cursor = page.cursor
  }
}
