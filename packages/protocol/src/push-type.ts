interface PushTypeRule {
  /** What the topic adds to the bundle id (Apple: "Sending notification requests to APNs"). */
  readonly suffix: string
  /** Bytes. */
  readonly maxPayload: number
}

const MAX_PAYLOAD = 4096
const plain = (suffix = ''): PushTypeRule => ({ suffix, maxPayload: MAX_PAYLOAD })

export const pushTypes = {
  alert: plain(),
  background: plain(),
  voip: { suffix: '.voip', maxPayload: 5120 },
  complication: plain('.complication'),
  fileprovider: plain('.pushkit.fileprovider'),
  location: plain('.location-query'),
  liveactivity: plain('.push-type.liveactivity'),
  pushtotalk: plain('.voip-ptt'),
  controls: plain('.push-type.controls'),
  widgets: plain('.push-type.widgets'),
  mdm: plain(),
} as const satisfies Record<string, PushTypeRule>

export type PushType = keyof typeof pushTypes

export function parsePushType(value: string): PushType | undefined {
  return Object.hasOwn(pushTypes, value) ? (value as PushType) : undefined
}

/** Every form of a bundle id that some push type uses as its topic, the plain one first. */
export function topicForms(bundleId: string): string[] {
  return [...new Set(Object.values(pushTypes).map((rule) => bundleId + rule.suffix))]
}
