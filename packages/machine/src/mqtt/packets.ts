import { generate, type IConnackPacket, type Packet, parser } from 'mqtt-packet'

export type Version = 4 | 5

/** The packet in these bytes, or undefined if they are not exactly one [MQTT-4.8.0-1]. */
export function decodePacket(bytes: Buffer, version: Version): Packet | undefined {
  const found: Packet[] = []
  let isFaulty = false
  const reader = parser({ protocolVersion: version })
  reader.on('packet', (packet) => found.push(packet))
  reader.on('error', () => {
    isFaulty = true
  })
  try {
    // a packet that is shorter than it announces makes the parser read beyond its bytes
    if (reader.parse(bytes) > 0) isFaulty = true
  } catch {
    isFaulty = true
  }
  return isFaulty ? undefined : found[0]
}

/** Reason codes of MQTT 5, with the return codes of 3.1.1 where it has one [MQTT 5, 2.4; MQTT 3.1.1, 3.2.2.3]. */
export const refusals = {
  badClientId: { v4: 2, v5: 0x85 },
  unavailable: { v4: 3, v5: 0x88 },
  notAuthorized: { v4: 5, v5: 0x87 },
} as const

export type Refusal = keyof typeof refusals

/** What a connection under MQTT 5 is told when the server ends it [MQTT 5, 3.14.2.1]. */
export const endReasons = {
  malformed: 0x81,
  protocolError: 0x82,
  notAuthorized: 0x87,
  shuttingDown: 0x8b,
  keepAliveTimeout: 0x8d,
  takenOver: 0x8e,
  quotaExceeded: 0x97,
} as const

export type EndReason = keyof typeof endReasons

/** What this server grants; MQTT 3.1.1 has no words for it. */
export interface Granted {
  /** Seconds. */
  readonly keepAlive: number
  readonly maximumPacketSize: number
}

export function connack(version: Version, granted: Granted): Buffer {
  if (version === 4) return generate({ cmd: 'connack', returnCode: 0, sessionPresent: false })
  const properties: IConnackPacket['properties'] = {
    serverKeepAlive: granted.keepAlive,
    maximumPacketSize: granted.maximumPacketSize,
    maximumQoS: 1,
    sessionExpiryInterval: 0,
    wildcardSubscriptionAvailable: false,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: false,
  }
  return generate(
    { cmd: 'connack', reasonCode: 0, sessionPresent: false, properties },
    { protocolVersion: 5 },
  )
}

export function refuseConnect(version: Version, refusal: Refusal): Buffer {
  const { v4, v5 } = refusals[refusal]
  return version === 4
    ? generate({ cmd: 'connack', returnCode: v4, sessionPresent: false })
    : generate({ cmd: 'connack', reasonCode: v5, sessionPresent: false }, { protocolVersion: 5 })
}

/** On success, PUBACK has the same four bytes in both versions [MQTT 5, 3.4.2.1]. */
export function puback(messageId: number): Buffer {
  return Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff])
}

export const pingresp = Buffer.from([0xd0, 0])

export function suback(version: Version, messageId: number, granted: readonly number[]): Buffer {
  const packet = { cmd: 'suback', messageId, granted } as Packet
  return generate(packet, { protocolVersion: version })
}

/** The codes are of MQTT 5; 3.1.1 has none. */
export function unsuback(version: Version, messageId: number, granted: readonly number[]): Buffer {
  const packet = { cmd: 'unsuback', messageId, ...(version === 5 && { granted }) } as Packet
  return generate(packet, { protocolVersion: version })
}

export function disconnect(reason: EndReason): Buffer {
  return generate({ cmd: 'disconnect', reasonCode: endReasons[reason] }, { protocolVersion: 5 })
}
