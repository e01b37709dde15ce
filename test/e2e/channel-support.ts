import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http2 from 'node:http2'
import type { ChannelId } from '@heliograph/protocol/identifiers'
import { type Heard, Listener } from '../../tools/conformance/listener.ts'
import { type Request, requestOn, type Sent, until } from './support.ts'
import type { Target } from './target.ts'

export const APP = 'com.example.app'

/** Requests with the demo provider's certificate, on one connection. */
export class ChannelProvider {
  readonly #session: http2.ClientHttp2Session

  constructor({ local }: Pick<Target, 'local'>, url = local.provider.url) {
    const { ca, cert, key } = local.provider
    this.#session = http2.connect(url, {
      ca: readFileSync(ca),
      cert: readFileSync(cert),
      key: readFileSync(key),
    })
  }

  ask(request: Request): Promise<Sent> {
    return requestOn(this.#session, request)
  }

  async create(policy: 0 | 1): Promise<ChannelId> {
    const body = JSON.stringify({ 'message-storage-policy': policy, 'push-type': 'LiveActivity' })
    const { status, headers } = await this.manage('POST', {}, { body })
    if (status !== 201) throw new Error(`no channel was created: ${status}`)
    return headers['apns-channel-id'] as ChannelId
  }

  manage(method: string, headers: Request['headers'] = {}, more: Request = {}): Promise<Sent> {
    return this.ask({ method, path: `/1/apps/${APP}/channels`, headers, body: '', ...more })
  }

  publish(
    channel: string,
    headers: Record<string, string> = {},
    more: Request = {},
  ): Promise<Sent> {
    return this.ask({
      path: `/4/broadcasts/apps/${APP}`,
      headers: {
        ...{ 'apns-channel-id': channel, 'apns-push-type': 'liveactivity' },
        ...{ 'apns-id': randomUUID(), ...headers },
      },
      body: '{"aps":{"event":"update"}}',
      ...more,
    })
  }

  close(): void {
    this.#session.close()
  }
}

/** Broadcasts that a device which joins a channel now is sent, apart from one that tells when all came. */
export async function heardOnJoining(
  target: Target,
  provider: ChannelProvider,
  channel: ChannelId,
): Promise<readonly Heard[]> {
  const [device, marker] = [await Listener.open(target), await provider.create(1)]
  await provider.publish(marker)
  // the broker answers in order, so that what is stored for the first has come before the second
  await device.join(channel)
  await device.join(marker)
  await until(() => device.heard.some((one) => one.channel === marker) || undefined)
  await device.close()
  await provider.manage('DELETE', { 'apns-channel-id': marker })
  return device.heard.filter((one) => one.channel === channel)
}
