import { channelTopic } from '@heliograph/protocol/mqtt-topic'
import { afterAll, describe, expect, it } from 'vitest'
import { Listener, spyingFilters } from '../../tools/conformance/listener.ts'
import { ChannelProvider } from '../e2e/channel-support.ts'
import { sharing } from '../e2e/shared-target.ts'
import { until } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'

let target: Target
let provider: ChannelProvider
sharing.beforeAll(({ target: shared }) => {
  target = shared
  provider = new ChannelProvider(target)
})
afterAll(() => provider?.close())

describe('a device that spies', () => {
  it('hears nothing of channels whose ids it does not know', async () => {
    const channel = await provider.create(1)
    await provider.publish(channel)
    const [spy, honest] = [await Listener.open(target), await Listener.open(target)]
    const all: unknown[] = []
    spy.plain.client.on('message', (topic) => all.push(topic))
    for (const filter of spyingFilters)
      expect([filter, ...(await spy.subscribe(filter))]).toEqual([filter, 128])
    expect(await spy.subscribe(`$share/spies/${channelTopic(channel)}`)).toEqual([128])
    await honest.join(channel)
    await honest.hears(1)
    const own = await provider.create(0)
    await spy.join(own)
    await provider.publish(channel, { 'apns-expiration': '0' })
    await honest.hears(2)
    await provider.publish(own)
    await spy.hears(1)
    expect(all).toEqual([channelTopic(own)])
    await spy.close()
    await honest.close()
  })

  it('publishes to no channel, and is disconnected for trying', async () => {
    const channel = await provider.create(1)
    const honest = await Listener.open(target)
    await honest.join(channel)
    for (const retain of [false, true]) {
      const spy = await Listener.open(target)
      await spy.join(channel)
      const gone = new Promise((resolve) =>
        spy.plain.client.once('close', () => resolve(undefined)),
      )
      spy.plain.client.publish(channelTopic(channel), '{"forged":true}', { qos: 1, retain })
      await gone
      await spy.close()
    }
    await provider.publish(channel)
    await until(() => honest.heard.length > 0 || undefined)
    expect(honest.heard).toMatchObject([{ payload: { aps: { event: 'update' } } }])
    await honest.close()
  })

  it('joins fifty channels, and nobody else has fewer for it', async () => {
    const channel = await provider.create(0)
    const guess = (n: number) => `heliograph/channel/${String(n).padStart(24, 'x')}`
    const [spy, honest] = [await Listener.open(target), await Listener.open(target)]
    const granted: number[] = []
    for (let n = 0; n < 56; n += 8)
      granted.push(...(await spy.subscribe(...Array.from({ length: 8 }, (_, at) => guess(n + at)))))
    expect(granted.filter((one) => one !== 128)).toHaveLength(50)
    await honest.join(channel)
    await provider.publish(channel)
    await honest.hears(1)
    await spy.close()
    await honest.close()
  })
})
