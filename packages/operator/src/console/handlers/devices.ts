import type { DeviceRecord } from '@heliograph/core/ports'
import { expireRegistration, expireToken } from '../../operations/expire-token.ts'
import { explainAnswer } from '../../operations/explain.ts'
import { inspectToken, type TokenView } from '../../operations/inspect-token.ts'
import { inviteDevices, MAX_INVITE_SECONDS } from '../../operations/invite.ts'
import { revokeDevice } from '../../operations/revoke-device.ts'
import { checkDeviceId, type DeviceView, showDevice } from '../../operations/show-device.ts'
import type { DeviceAnswer, DeviceListed, TokenAnswer } from '../api.ts'
import { ApiFailure } from '../failure.ts'
import { demandConfirmed, optionalWhole, text } from '../http/body.ts'
import type { Handlers } from '../http/router.ts'
import { patience } from '../limits.ts'
import type { ConsoleWorld } from '../world.ts'

type Names =
  | 'GET /api/devices'
  | 'GET /api/devices/:id'
  | 'POST /api/devices/:id/revoke'
  | 'POST /api/devices/:id/expire'
  | 'POST /api/devices/invite'
  | 'GET /api/tokens/:token'
  | 'POST /api/tokens/:token/expire'

export function deviceHandlers(world: ConsoleWorld): Pick<Handlers, Names> {
  return { ...devices(world), ...registrations(world), ...tokens(world) }
}

function devices(
  world: ConsoleWorld,
): Pick<Handlers, 'GET /api/devices' | 'GET /api/devices/:id' | 'POST /api/devices/invite'> {
  return {
    'GET /api/devices': {
      seconds: patience.slowRead,
      async answer({ query }) {
        const limit = optionalWhole(query.get('limit'), 'limit', { least: 1, most: 1_000 }) ?? 100
        const { ports } = await world.deployment()
        const { devices: found, more } = await ports.devices.list(limit)
        const newestFirst = [...found].sort((a, b) => b.activatedAt - a.activatedAt)
        return { devices: newestFirst.map(listed), more }
      },
    },
    'GET /api/devices/:id': {
      seconds: patience.read,
      answer: async ({ params }) => viewOf(await showDevice(await world.deployment(), params.id)),
    },
    'POST /api/devices/invite': {
      seconds: patience.change,
      async answer({ body }) {
        const count = optionalWhole(body.count, 'count', { least: 1, most: 100 })
        const seconds = { least: 1, most: MAX_INVITE_SECONDS }
        const ttlSeconds = optionalWhole(body.ttlSeconds, 'ttlSeconds', seconds)
        const order = {
          ...(count !== undefined && { count }),
          ...(ttlSeconds !== undefined && { ttlSeconds }),
        }
        return { codes: await inviteDevices(await world.deployment(), order) }
      },
    },
  }
}

function registrations(
  world: ConsoleWorld,
): Pick<Handlers, 'POST /api/devices/:id/revoke' | 'POST /api/devices/:id/expire'> {
  return {
    'POST /api/devices/:id/revoke': {
      seconds: patience.change,
      async answer({ params, body }) {
        demandConfirmed(body, checkDeviceId(params.id))
        const { topics, ...revoked } = await revokeDevice(await world.deployment(), params.id)
        return { ...revoked, topics: [...topics] }
      },
    },
    'POST /api/devices/:id/expire': {
      seconds: patience.change,
      async answer({ params, body }) {
        const topic = text(body, 'topic')
        demandConfirmed(body, topic)
        return expireRegistration(await world.deployment(), params.id, topic)
      },
    },
  }
}

function tokens(
  world: ConsoleWorld,
): Pick<Handlers, 'GET /api/tokens/:token' | 'POST /api/tokens/:token/expire'> {
  return {
    'GET /api/tokens/:token': {
      seconds: patience.read,
      answer: async ({ params }) =>
        explained(await inspectToken(await world.deployment(), params.token)),
    },
    'POST /api/tokens/:token/expire': {
      seconds: patience.change,
      async answer({ params, body }) {
        const deployment = await world.deployment()
        const view = await inspectToken(deployment, params.token)
        if (view.opens && view.topic === undefined)
          throw new ApiFailure('refused', 'nobody is registered with this token')
        if (view.opens) demandConfirmed(body, view.topic ?? '')
        return expireToken(deployment, params.token)
      },
    },
  }
}

function explained(view: TokenView): TokenAnswer {
  if (!view.opens) return view
  const [status, reason] = view.answer.split(' ')
  const explanation = explainAnswer(Number(status), reason)
  if (view.answer !== '200') return { ...view, explanation }
  return {
    ...view,
    explanation: {
      meaning: 'A provider with a credential for the topic may send to this token.',
      advice: 'Nothing: the registration is live.',
    },
  }
}

/** Without the PEM, which the page does not need. */
function listed({ deviceId, activatedAt, revokedAt, certificates }: DeviceRecord): DeviceListed {
  return {
    ...{ deviceId, activatedAt },
    ...(revokedAt !== undefined && { revokedAt }),
    certificates: certificates.map(({ certificateId, notAfter }) => ({ certificateId, notAfter })),
  }
}

function viewOf({ device, registrations: held, pending, presence }: DeviceView): DeviceAnswer {
  return {
    device: listed(device),
    registrations: held.map(({ deviceId: _, ...registration }) => registration),
    pending: [...pending],
    ...(presence && { presence }),
  }
}
