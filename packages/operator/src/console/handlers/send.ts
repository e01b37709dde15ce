import type { ProviderIdentity } from '../../operations/edge.ts'
import { withEdge } from '../../operations/edge.ts'
import { explainAnswer } from '../../operations/explain.ts'
import { headersOf, type SendOrder, sendNotification } from '../../operations/send.ts'
import type { Address, Entrances } from '../../target.ts'
import { readCredential } from '../credentials.ts'
import { ApiFailure } from '../failure.ts'
import { type Body, optionalText, text } from '../http/body.ts'
import type { Handlers } from '../http/router.ts'
import { patience } from '../limits.ts'
import type { ConsoleWorld } from '../world.ts'

type Names =
  | 'GET /api/credentials'
  | 'POST /api/credentials'
  | 'POST /api/credentials/:id/forget'
  | 'POST /api/send'

export function sendHandlers(world: ConsoleWorld): Pick<Handlers, Names> {
  const { credentials } = world
  return {
    'GET /api/credentials': {
      seconds: patience.slowRead,
      async answer() {
        await addDemo(world)
        return { credentials: credentials.list() }
      },
    },
    'POST /api/credentials': {
      seconds: patience.read,
      answer: async ({ body }) => credentials.add(...readCredential(body, world.clock.now)),
    },
    'POST /api/credentials/:id/forget': {
      seconds: patience.read,
      async answer({ params }) {
        credentials.forget(params.id)
        return {}
      },
    },
    'POST /api/send': {
      seconds: patience.change,
      answer: async ({ body }) => send(world, text(body, 'credential'), orderOf(body)),
    },
  }
}

/** The demo app of the embedded cloud is there without being asked for, as for `heliograph send`. */
async function addDemo({ credentials, target, entrances }: ConsoleWorld): Promise<void> {
  if (target.target !== 'embedded' || credentials.has('demo')) return
  const { demo } = await entrances()
  // another request may have been faster
  if (!demo || credentials.has('demo')) return
  const view = { label: 'demo app', kind: 'certificate', from: 'demo' } as const
  credentials.add({ ...view, topics: [demo.topic] }, demo.credentials)
}

function orderOf(body: Body): SendOrder {
  const names = ['topic', 'pushType', 'priority', 'expiration', 'collapseId', 'id'] as const
  const given = names.flatMap((name) => {
    const value = optionalText(body, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    token: text(body, 'token'),
    payload: text(body, 'payload'),
    ...Object.fromEntries(given),
  }
}

async function send(world: ConsoleWorld, credential: string, order: SendOrder) {
  const { identity } = world.credentials.find(credential)
  const headers = headersOf(order)
  checkHeaders(headers)
  const address = addressFor(identity, await world.entrances())
  const result = await withEdge(address, identity, (edge) => sendNotification(edge, order))
  const url = `${address.url}/3/device/${encodeURIComponent(order.token)}`
  return {
    ...result,
    explanation: explainAnswer(result.status, result.reason),
    request: { url, method: 'POST' as const, headers, body: order.payload },
  }
}

/** What HTTP itself does not carry, no edge can judge. */
function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers))
    if (/[^\x20-\x7e]/.test(value))
      throw new ApiFailure('usage', `${name} has characters that a header cannot carry`)
}

function addressFor(identity: ProviderIdentity, { provider, tokens }: Entrances): Address {
  if (!('authorization' in identity)) return provider
  if (tokens) return tokens
  throw new ApiFailure(
    'notFound',
    'this stage takes no provider tokens: send with a certificate, or deploy it with -c tokenDomain=…',
  )
}
