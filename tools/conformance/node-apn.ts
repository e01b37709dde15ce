import type { ChannelId } from '@heliograph/protocol/identifiers'
import apn from '@parse/node-apn'
import type { LocalFile } from '../../bin/demo.ts'

/** node-apn gives up after 5 s, which is nothing for hundreds at once on a busy machine. */
export const patience = { requestTimeout: 60_000 }

/** A provider made of the unmodified node-apn. */
export function nodeApn({ local }: { readonly local: LocalFile }): apn.Provider {
  const { url, ca, cert, key } = local.provider
  const { hostname, port } = new URL(url)
  return new apn.Provider({
    address: hostname,
    port: Number(port),
    ca: [ca],
    cert,
    key,
    ...patience,
  })
}

/** What became of a call for a channel. */
export interface Managed {
  readonly sent: readonly (Readonly<Record<string, unknown>> & { 'apns-channel-id'?: ChannelId })[]
  readonly failed: readonly { readonly status?: number; readonly response?: { reason: string } }[]
}

type Manage = (note: apn.Notification, bundleId: string, action: string) => Promise<Managed>

/** What the types of node-apn leave out. */
export interface ChannelApn {
  readonly manageChannels: Manage
  broadcast(note: apn.Notification, bundleId: string): Promise<Managed>
  shutdown(): Promise<void>
}

interface ChannelAccess {
  readonly url: string
  readonly channelsUrl: string
  readonly credential: object
}

/** The same for channels, by default with the demo provider's certificate. */
export function nodeApnOfChannels(
  { local }: { readonly local: LocalFile },
  { url, channelsUrl, credential }: ChannelAccess = withCertificate(local),
): ChannelApn {
  const [address, port] = addressOf(url)
  const [manageChannelsAddress, manageChannelsPort] = addressOf(channelsUrl)
  return new apn.Provider({
    ...{ address, port, manageChannelsAddress, manageChannelsPort, ca: [local.provider.ca] },
    ...credential,
    ...patience,
  } as apn.ProviderOptions) as unknown as ChannelApn
}

function withCertificate({ provider, channels }: LocalFile): ChannelAccess {
  const { url, cert, key } = provider
  return { url, channelsUrl: channels.url, credential: { cert, key } }
}

function addressOf(url: string): readonly [string, number] {
  const { hostname, port } = new URL(url)
  return [hostname, Number(port || 443)]
}

export function alert(text: string, options: Partial<apn.Notification> = {}): apn.Notification {
  const notification = new apn.Notification({
    alert: text,
    topic: 'com.example.app',
    pushType: 'alert',
  })
  return Object.assign(notification, options)
}
