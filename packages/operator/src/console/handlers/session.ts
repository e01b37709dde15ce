import { isAws } from '../../aws-stage.ts'
import type { Deployment } from '../../deployment.ts'
import { isMachine } from '../../machine-deployment.ts'
import type { Entrances } from '../../target.ts'
import type { DeploymentView } from '../api.ts'
import type { Handlers } from '../http/router.ts'
import { patience } from '../limits.ts'
import type { ConsoleWorld } from '../world.ts'

type Names = 'GET /api/session' | 'POST /api/session/end' | 'GET /api/deployment'

export function sessionHandlers(world: ConsoleWorld): Pick<Handlers, Names> {
  const { target, version, clock } = world
  return {
    'GET /api/session': {
      seconds: patience.read,
      answer: async () => ({
        ...{ target: target.target, version, now: clock.now(), endsAt: world.endsAt() },
        ...(target.stage && { stage: target.stage }),
      }),
    },
    'POST /api/session/end': {
      seconds: patience.read,
      async answer() {
        world.end()
        return {}
      },
    },
    'GET /api/deployment': {
      seconds: patience.slowRead,
      async answer() {
        const deployment = await world.deployment()
        const entrances = await world.entrances().catch(() => undefined)
        return viewOf(deployment, entrances)
      },
    },
  }
}

function viewOf(deployment: Deployment, entrances: Entrances | undefined): DeploymentView {
  const { stage, ports } = deployment
  const view = {
    stage,
    features: {
      stats: ports.stats !== undefined,
      receipts: ports.receipts !== undefined,
      events: isMachine(deployment) || (isAws(deployment) && hasEvents(deployment)),
      providerKeys: ports.providerKeys !== undefined,
      tokens: entrances?.tokens !== undefined,
    },
  }
  if (!entrances) return view
  const { provider, tokens, activation, mqtt, demo } = entrances
  return {
    ...view,
    entrances: {
      ...{ provider: provider.url, activation: activation.url },
      mqtt: { host: mqtt.host, port: mqtt.port },
      ...(tokens && { tokens: tokens.url }),
    },
    ...(demo && { demoTopic: demo.topic }),
  }
}

function hasEvents({ outputs }: { readonly outputs: { readonly EventTopic?: string } }): boolean {
  return outputs.EventTopic !== undefined
}
