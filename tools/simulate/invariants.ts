import { isSealed } from '@heliograph/core/delivery/seal'
import { type SlotName, slotName } from '@heliograph/core/delivery/slot-name'
import type { Notification } from '@heliograph/core/notification'
import { openToken } from '@heliograph/core/token/token'
import type { DeviceId, Topic } from '@heliograph/protocol/identifiers'
import type { OutcomeKind } from '@heliograph/protocol/outcome'
import { BUSY_ATTEMPTS } from '@heliograph/protocol/retry'
import type { Device } from './device.ts'
import type { Ledger } from './ledger.ts'
import type { Life } from './life.ts'
import { NEW_KEY_MS } from './provider.ts'
import type { FeedbackReader } from './reader.ts'
import { checkReceipt } from './receipt-check.ts'
import type { World } from './world.ts'

/** When everything has come to rest: nothing is under way that could still put a fault right. */
export function checkAtRest(
  world: World,
  devices: readonly Device[],
  topics: readonly Topic[],
): void {
  const { ledger } = world.cloud
  for (const { isEmpty, line } of [world.queue, world.slotQueue])
    if (!isEmpty) ledger.violate('rest', `the queue of ${line} never comes to rest`)
  for (const slot of world.pending.all()) checkSlot(world, slot)
  for (const device of devices)
    for (const topic of topics) {
      checkNewest(world, device, topic)
      checkOrder(ledger, device, topic)
      checkNumber(world, device, topic)
      checkFeedback(world, device, topic)
      checkRegistration(world, device, topic)
    }
  for (const life of ledger.lives.values()) checkEnds(world, life)
}

/** After every TTL has passed: no notification is left without an end. */
export function checkAtTheEnd(world: World, readers: readonly FeedbackReader[]): void {
  const { ledger } = world.cloud
  for (const life of ledger.lives.values()) {
    if (life.ends.length === 0 && !isExcusedFromItsEnd(world, life))
      ledger.violate('I5', `${life.name} never came to an end`)
    checkReceipt(world, life)
  }
  for (const { notification } of world.pending.all().map((slot) => ledger.life(slot.seq)))
    ledger.violate('rest', `a slot still holds ${notification.seq}`)
  for (const reader of readers) checkReader(world, reader)
}

/** What keeps a notification from any end: its last record was lost, or it waits for an operator. */
function isExcusedFromItsEnd(world: World, life: Life): boolean {
  return (
    life.excuses.length > 0 ||
    life.deadLettered ||
    isSealOfRetiredKey(world, life.notification) ||
    world.cloud.ledger.givenUp.has(`expire ${life.name}`)
  )
}

/** I4: what is in a slot is for a live token. */
function checkSlot(world: World, slot: Notification): void {
  const { registrations } = world
  const { ledger } = world.cloud
  const { deviceId, topic, seq } = slot
  const life = ledger.life(seq)
  if (registrations.find(deviceId, topic)?.live || life.deadLettered) return
  // nobody sees it but the TTL
  if (isSealOfRetiredKey(world, slot)) return
  if (!isUnregisterLost(ledger, deviceId))
    ledger.violate('I4', `${life.name} is left in the slot of a dead token`)
}

/** I1: what is newest has reached a device that is there, and its slot is empty. */
function checkNewest(world: World, device: Device, topic: Topic): void {
  const { ledger, scheduler } = world.cloud
  const { deviceId } = device
  if (!device.isConnected || isExcused(world, device)) return
  if (!world.registrations.find(deviceId, topic)?.live) return
  const left = slotsIn(world, deviceId, topic).find(
    (slot) => slot.expiration * 1000 > scheduler.now && !isSealOfRetiredKey(world, slot),
  )
  if (left) ledger.violate('I1', `${left.seq} is left in its slot although ${deviceId} is there`)
  const lives = ledger.livesOf(deviceId, topic)
  for (const [place, life] of lives.entries()) {
    if (life.takenAt !== undefined || isSuperseded(life, lives.slice(place + 1))) continue
    if (!mayBeMissing(world, device, life))
      ledger.violate('I1', `${life.name} never reached ${deviceId} and nothing newer did`)
  }
}

function slotsIn({ pending }: World, deviceId: DeviceId, topic: Topic): Notification[] {
  return pending.all().filter((one) => one.deviceId === deviceId && one.topic === topic)
}

/** Newer ones that arrived, or took the slot, or as many as may wait. */
function isSuperseded({ notification }: Life, newer: readonly Life[]): boolean {
  const { collapseId, perCollapseId } = notification
  const others = newer.filter(({ takenAt, kept }) => takenAt !== undefined || kept)
  if (perCollapseId === undefined) return others.length > 0
  const isSame = (other: Life) => other.notification.collapseId === collapseId
  return others.length >= perCollapseId || (collapseId !== undefined && others.some(isSame))
}

/** No more than may wait do, whatever happened at the same time. */
function checkNumber(world: World, { deviceId }: Device, topic: Topic): void {
  const { ledger, scheduler } = world.cloud
  const waiting = slotsIn(world, deviceId, topic).filter(
    (slot) =>
      slot.perCollapseId !== undefined &&
      slot.expiration * 1000 > scheduler.now &&
      !isSealOfRetiredKey(world, slot),
  )
  const most = waiting[0]?.perCollapseId ?? 0
  if (waiting.length > most)
    ledger.violate('slots', `${waiting.length} wait on ${topic}, where ${most} may`)
}

function mayBeMissing(world: World, device: Device, life: Life): boolean {
  const { ledger, scheduler, skew } = world.cloud
  const { notification, queuedAt } = life
  const { deviceId, topic, expiration } = notification
  return (
    expiration * 1000 <= scheduler.now + skew ||
    ledger.wasDead(deviceId, topic, queuedAt, scheduler.now) ||
    life.isDeclined ||
    !device.wants(topic) ||
    life.refused ||
    life.deadLettered ||
    life.ends.includes('duplicate') ||
    isSealOfRetiredKey(world, notification)
  )
}

/**
 * A retired token key counts no more, for seals as for tokens. On a stage the grace is longer than any
 * notification is kept (`checkStage`); here it is a few minutes, so that keys retire within a run.
 */
function isSealOfRetiredKey({ tokenKeys }: World, notification: Notification): boolean {
  return !isSealed(tokenKeys.live(), notification)
}

/** Lambda gave an event of this device up; the device hears of it at its next connect. */
function isExcused({ cloud }: World, { deviceId }: Device): boolean {
  return cloud.ledger.givenUp.has(`connect ${deviceId}`)
}

/** I3: after a stored notification has been taken, nothing older that was ever in its slot is. */
function checkOrder(ledger: Ledger, device: Device, topic: Topic): void {
  const newest = new Map<SlotName, Life>()
  for (const { uniqueId, stored } of device.log.filter((taken) => taken.topic === topic)) {
    const life = ledger.byUniqueId.get(uniqueId)
    if (!life) continue
    const slot = slotName(life.notification)
    const newestStored = newest.get(slot)
    const { seq } = life.notification
    const isOlder = newestStored !== undefined && seq < newestStored.notification.seq
    if (isOlder && life.kept)
      ledger.violate('I3', `${life.name} reached the app after ${newestStored?.name}, both stored`)
    if (stored && !isOlder) newest.set(slot, life)
  }
}

/** I5: every end has its cause, and there are no more ends than reasons for them. */
function checkEnds(world: World, life: Life): void {
  const { ledger } = world.cloud
  for (const kind of new Set(life.ends))
    if (!causes[kind]?.(life, world)) ledger.violate('I5', `${life.name} is ${kind} without cause`)
  const others = life.ends.filter((kind) => kind !== 'delivered' && kind !== 'drained')
  const ends = others.length + (others.length < life.ends.length ? 1 : 0)
  const reasons = Math.max(1, life.receives) + Math.max(0, life.expiries - 1) + life.repeats
  if (ends > reasons)
    ledger.violate('I5', `${life.name} has ${ends} ends (${life.ends}) for ${reasons} reasons`)
}

/** What must truly have happened before a notification may be said to have ended so. */
const causes: Partial<Record<OutcomeKind, (life: Life, world: World) => boolean>> = {
  delivered: ({ acknowledged }) => acknowledged,
  drained: ({ acknowledged }) => acknowledged,
  coalesced: ({ notification }, { cloud }) =>
    cloud.ledger
      .livesOf(notification.deviceId, notification.topic)
      .some((other) => other.kept && other.notification.seq > notification.seq),
  expired: ({ notification, unheard, throttled, receives }, { cloud }) =>
    notification.expiration === 0
      ? unheard || (throttled && receives >= BUSY_ATTEMPTS)
      : notification.expiration * 1000 <= cloud.scheduler.now + cloud.skew,
  unregistered: ({ notification, queuedAt }, { cloud }) =>
    cloud.ledger.wasDead(notification.deviceId, notification.topic, queuedAt, cloud.scheduler.now),
  undeliverable: ({ refused }) => refused,
  duplicate: ({ notification }, { cloud }) =>
    [...cloud.ledger.lives.values()].some(
      (other) =>
        other.notification.id === notification.id &&
        other.notification.deviceId === notification.deviceId &&
        other.notification.topic === notification.topic &&
        other.notification.seq !== notification.seq,
    ),
}

/** What the device last asked for is what holds, whatever order its requests were worked in. */
function checkRegistration(world: World, device: Device, topic: Topic): void {
  const { ledger } = world.cloud
  const { deviceId } = device
  const wish = world.iot.lastWish(deviceId, topic)
  const isLive = world.registrations.find(deviceId, topic)?.live ?? false
  const isLost = ledger.givenUp.has(`register ${deviceId}`) || isUnregisterLost(ledger, deviceId)
  if (device.isRevoked && isLive && !isLost)
    ledger.violate('I4', `the revoked ${deviceId} is registered for ${topic}`)
  if (wish === undefined || wish === isLive || isLost || device.isRevoked) return
  // beyond its allowance a request is dropped; without a token it asks again as soon as it is connected
  if (wish && !device.isConnected && !device.token(topic)) return
  ledger.violate('rest', `${deviceId} wants ${topic} ${wish}, but its token is live ${isLive}`)
}

/** Every token of a dead registration that a provider may still hold is in the feedback of its topic. */
function checkFeedback(world: World, device: Device, topic: Topic): void {
  const { ledger, skew } = world.cloud
  const { deviceId } = device
  const registration = world.registrations.find(deviceId, topic)
  if (!registration || registration.live || isUnregisterLost(ledger, deviceId)) return
  const { registeredAt, unregisteredAt } = registration
  const listed = world.feedback.all(topic).filter(({ timestamp }) => timestamp === unregisteredAt)
  const handed = device.handed.filter((one) => one.topic === topic && one.at - skew > registeredAt)
  for (const { token } of handed) {
    const opened = openToken(world.tokenKeys.live(), token)
    const isNew = opened && (unregisteredAt ?? 0) - opened.key.createdAt < NEW_KEY_MS
    if (
      opened &&
      !isNew &&
      !listed.some((row) => row.reason === 'Unregistered' && row.token === token)
    )
      ledger.violate('feedback', `a dead token of ${deviceId} for ${topic} is not listed`)
  }
}

function isUnregisterLost({ givenUp }: Ledger, deviceId: string): boolean {
  return givenUp.has(`unregister ${deviceId}`) || givenUp.has(`revoke ${deviceId}`)
}

/** Paging has given every entry once. */
function checkReader(world: World, { topic, read }: FeedbackReader): void {
  const { ledger } = world.cloud
  const rows = world.feedback.all(topic)
  if (read.length !== rows.length)
    ledger.violate('feedback', `${rows.length} entries for ${topic}, but ${read.length} were read`)
}
