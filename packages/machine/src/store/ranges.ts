import { type SlotName, slotsOf } from '@heliograph/core/delivery/slot-name'
import type { DeviceId, Topic } from '@heliograph/protocol/identifiers'

/** Sorts after every text that a key may have in this place. */
const LAST = '\uffff'

/** The rows of one device, in a table whose keys are (device, topic). */
export function ofDevice(deviceId: DeviceId) {
  return { start: [deviceId, ''], end: [deviceId, LAST] } as unknown as {
    start: [DeviceId, Topic]
    end: [DeviceId, Topic]
  }
}

/** The slots of one device and topic, in a table whose keys are (device, slot). */
export function slotsOfTopic(deviceId: DeviceId, topic: Topic) {
  const { first, last } = slotsOf(topic)
  return { start: [deviceId, first], end: [deviceId, last] } as unknown as {
    start: [DeviceId, SlotName]
    end: [DeviceId, SlotName]
  }
}
