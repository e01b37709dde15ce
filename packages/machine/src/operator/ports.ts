import type { OperatorPorts } from '@heliograph/core/operator-ports'
import type { Broadcasts, Outcomes } from '@heliograph/core/ports'
import type { StatsReader } from '@heliograph/core/stats/topic-stats'
import { type RotatePorts, rotate } from '@heliograph/core/token/rotate'
import type { EventFeed } from '../pipeline/event-feed.ts'
import { deviceRegistry, type Store } from '../store/store.ts'
import type { Trust } from '../trust/trust.ts'

export interface OperatorWorld extends Pick<RotatePorts, 'clock' | 'ids' | 'graceMs'> {
  readonly store: Store
  readonly trust: Trust
  readonly pending: OperatorPorts['pending']
  readonly broadcasts: Pick<Broadcasts, 'publish'>
  readonly presences: OperatorPorts['presences']
  readonly stats: StatsReader
  /** Where outcomes are recorded: what an operator ends has one, too. */
  readonly outcomes: Outcomes
  readonly events: Pick<EventFeed, 'tell'>
  /** Checks certificates of clients against the CAs that are on record by now. */
  readonly trustAnew: () => Promise<void>
  /** Ends the connection that was made with the certificate, if there is one. */
  readonly disconnect: Parameters<typeof deviceRegistry>[1]
}

/** What an operator's operations ask for, on the store of a machine. */
export function operatorPorts(world: OperatorWorld): OperatorPorts {
  const {
    store,
    trust,
    pending,
    broadcasts,
    presences,
    stats,
    outcomes,
    events,
    disconnect,
    trustAnew,
    ...rotation
  } = world
  const { tokenKeys, devices } = store
  return {
    ...{ pending, presences },
    ...{ authorities: store.authorities, ring: store.ring, feedback: store.feedback },
    authorityKeys: {
      sign: (name, message) => trust[name].key.sign(message),
      publicKey: (name) => trust[name].key.publicKey(),
    },
    otherAuthorities: {
      async add(name, certificate) {
        const isNew = await store.authorities.add(name, certificate)
        if (isNew) await trustAnew()
        return isNew
      },
    },
    tokenKeys: {
      list: () => tokenKeys.list(),
      retire: (id, at) => tokenKeys.retire(id, at),
      keep: (key) => tokenKeys.keep(key),
      open: async (key) => tokenKeys.open(key),
      rotate: () => rotate({ ...rotation, tokenKeys }),
    },
    ...{ providers: store.providers, providerKeys: store.providerKeys, devices },
    admissions: deviceRegistry(store.environment, disconnect),
    activationCodes: store.activations,
    registrations: store.registrations,
    channels: store.channels,
    broadcasts: {
      publish: broadcasts.publish,
      stored: async (channelId) => store.retained.find(channelId, rotation.clock.now())?.message,
    },
    receipts: store.receipts,
    stats,
    outcomes: {
      async send(some) {
        for (const one of some) outcomes.record(one)
      },
    },
    announcements: { send: async (announcements) => events.tell(announcements) },
  }
}
