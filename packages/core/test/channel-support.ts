import { randomBytes } from 'node:crypto'
import type { ChannelId, Topic } from '@heliograph/protocol/identifiers'
import { MemoryBroadcasts, MemoryChannels } from '../../../test/contract/memory-channels.ts'
import { APP, certificates, Desk, UUID } from '../../../tools/fuzz/desk.ts'
import { answerChannels } from '../src/channels/answer-channels.ts'
import type { BroadcastOutcome } from '../src/channels/broadcast.ts'
import type { ChannelPorts } from '../src/channels/channel-ports.ts'
import type { Answer } from '../src/send/answer.ts'
import type { ProviderRequest } from '../src/send/provider-request.ts'

export const OTHER = 'com.example.other' as Topic

type Change = Partial<Omit<ProviderRequest, 'body'>> & { body?: string | Uint8Array }

/** Everything that channels ask of the world, in memory. */
export class ChannelDesk {
  readonly desk = new Desk()
  readonly channels = new MemoryChannels()
  readonly broadcasts = new MemoryBroadcasts()
  readonly outcomes: BroadcastOutcome[] = []
  readonly ports: ChannelPorts

  constructor() {
    const { clock, ids, providers, authorities, certificates, tokens, providerRate } =
      this.desk.ports
    this.ports = {
      ...{ clock, providers, authorities, certificates, tokens, providerRate },
      ids: { ...ids, bytes: (length) => randomBytes(length) },
      channels: this.channels,
      broadcasts: this.broadcasts,
      outcomes: { record: (outcome) => this.outcomes.push(outcome) },
    }
  }

  async ask(change: Change): Promise<Answer> {
    const request = this.desk.request({
      clientCertificate: certificates.single,
      body: '',
      ...change,
    })
    return answerChannels(request, this.ports)
  }

  async create(policy = 1, topic: Topic = APP): Promise<ChannelId> {
    const id = `${randomBytes(12).toString('hex')}` as ChannelId
    await this.channels.create({ id, topic, storagePolicy: policy === 0 ? 0 : 1, createdAt: 0 })
    return id
  }

  publish(
    channel: string | undefined,
    headers: Record<string, string | undefined> = {},
    change: Change = {},
  ) {
    return this.ask({
      path: `/4/broadcasts/apps/${APP}`,
      headers: {
        'apns-channel-id': channel,
        'apns-push-type': 'liveactivity',
        'apns-id': UUID,
        ...headers,
      },
      body: '{"aps":{"event":"update"}}',
      ...change,
    })
  }

  manage(method: string, channel?: string, path = 'channels', change: Change = {}) {
    return this.ask({
      method,
      path: `/1/apps/${APP}/${path}`,
      headers: { 'apns-channel-id': channel },
      ...change,
    })
  }
}

/** What a provider sees of an answer first. */
export function resultOf({ status, body }: Answer): readonly [status: number, reason?: unknown] {
  if (status < 300) return [status]
  return [status, (JSON.parse(body ?? '') as { reason: unknown }).reason]
}
