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

export function alert(text: string, options: Partial<apn.Notification> = {}): apn.Notification {
  const notification = new apn.Notification({
    alert: text,
    topic: 'com.example.app',
    pushType: 'alert',
  })
  return Object.assign(notification, options)
}
