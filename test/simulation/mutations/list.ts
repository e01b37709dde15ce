import type { Mutation } from './mutation.ts'

const deliver = 'core/deliver.ts'
const connect = 'core/connect.ts'
const unregister = 'core/unregister.ts'
const slots = 'test/simulation/ports/pending.ts'

/**
 * Bugs in the rules of deliver and drain (and in the conditions of the slot, which stand in
 * aws/pending-notifications too), each with a seed that shows it. `find-seeds.ts` finds them anew.
 */
export const mutations: readonly (Mutation & { readonly seed: number })[] = [
  {
    name: 'no-second-send',
    bug: 'a device that connects between the first send and the put waits for its next connect',
    file: deliver,
    find: `const after = await sendStored(notification, ports)
  if (after === 'again') await ports.queue.send(notification, SLOT_RETRY)`,
    replace: '',
    seed: 3,
  },
  {
    name: 'unconditional-delete',
    bug: 'a late acknowledgement deletes the newer notification that took the slot',
    file: slots,
    find: 'if (notification?.seq !== seq) return false',
    replace: 'if (!notification) return false',
    seed: 1,
  },
  {
    name: 'unconditional-put',
    bug: 'an older notification replaces a newer one',
    file: slots,
    find: 'if (old && isNewer(old.seq, seq) && old.expiration > Math.floor(nowMs / 1000))',
    replace: 'if (old && old.seq === seq && old.expiration < 0)',
    seed: 2,
  },
  {
    name: 'older-wins',
    bug: 'the slot keeps the oldest notification',
    file: slots,
    find: 'isNewer(old.seq, seq)',
    replace: 'isNewer(seq, old.seq)',
    seed: 2,
  },
  {
    name: 'retry-compares-wrongly',
    bug: 'a retry is given up because something older is in the slot',
    file: deliver,
    find: 'slot && isNewer(slot.seq, seq) &&',
    replace: 'slot && isNewer(seq, slot.seq) &&',
    seed: 13,
  },
  {
    name: 'registration-read-before-put',
    bug: 'an unregister between the read and the put leaves a notification in the slot of a dead token',
    file: deliver,
    find: `  const stored = await ports.pending.put(notification, ports.clock.now())
  if (!stored.kept) return end('coalesced', notification, ports)
  if (stored.replaced) await endReplaced(stored.replaced, ports)
  if (await isDead(notification, ports)) return dropDead(notification, ports)`,
    replace: `  if (await isDead(notification, ports)) return dropDead(notification, ports)
  const stored = await ports.pending.put(notification, ports.clock.now())
  if (!stored.kept) return end('coalesced', notification, ports)
  if (stored.replaced) await endReplaced(stored.replaced, ports)`,
    seed: 1,
  },
  {
    name: 'slot-emptied-before-death',
    bug: 'unregister empties the slot before it marks the registration dead',
    file: unregister,
    find: `  const registration = await ports.registrations.change(deviceId, topic, false, at)
  if (registration.live) return 'overtaken'
  await emptySlot(deviceId, topic, ports)`,
    replace: `  await emptySlot(deviceId, topic, ports)
  const registration = await ports.registrations.change(deviceId, topic, false, at)
  if (registration.live) return 'overtaken'`,
    seed: 39,
  },
  {
    name: 'slot-emptied-blindly',
    bug: 'a late unregister takes what was stored for the registration after it',
    file: unregister,
    find: 'if (slot && (await isDead(slot, ports))) await dropDead(slot, ports)',
    replace: 'if (slot) await dropDead(slot, ports)',
    seed: 314,
  },
  {
    name: 'drain-for-the-dead',
    bug: 'drain sends without asking whether the token is still live',
    file: connect,
    find: 'return live ? sendStored(slot, ports) : dropDead(slot, ports)',
    replace: 'return live === undefined ? dropDead(slot, ports) : sendStored(slot, ports)',
    seed: 3,
  },
  {
    name: 'silence-taken-for-absence',
    bug: 'a device that is connected but did not acknowledge is left to a connect that never comes',
    file: deliver,
    find: `    case 'unconfirmed':
    case 'busy':
      return 'again'`,
    replace: `    case 'unconfirmed':
    case 'busy':
      return 'done'`,
    seed: 17,
  },
  {
    name: 'drain-forgets-the-rest',
    bug: 'what comes after the first silent slot of a drain is left to the next connect',
    file: connect,
    find: 'await leaveToQueue(slots.slice(place), ports.queue)',
    replace: 'await leaveToQueue(slots.slice(place, place + 1), ports.queue)',
    seed: 29,
  },
  {
    name: 'retry-without-a-look',
    bug: 'a message that comes again is sent directly although it is in its slot',
    file: deliver,
    find: `    const place = await placeInSlot(notification, ports)
    if (place === 'in-slot') return`,
    replace: `    const place = await placeInSlot(notification, ports)
    if (place === ('never' as string)) return`,
    seed: 7,
  },
  {
    name: 'slot-retry-without-a-look',
    bug: 'a slot is sent again after it has been settled',
    file: deliver,
    find: "if ((await placeInSlot(notification, ports)) !== 'in-slot') return 'done'",
    replace: '',
    seed: 2,
  },
  {
    name: 'stored-and-late',
    bug: 'a stored notification is sent after its expiration, because DynamoDB deletes late',
    file: deliver,
    find: "  if (isExpired(notification, ports.clock.now())) return 'done'\n  switch",
    replace: '  switch',
    seed: 18,
  },
  {
    name: 'expired-in-transit',
    bug: 'a notification that expired in the queue is sent',
    file: deliver,
    find: `  if (isExpired(notification, ports.clock.now()))
    return endWithFeedback('expired', 'Expired', notification, ports)
  return sendDirect`,
    replace: '  return sendDirect',
    seed: 1,
  },
  {
    name: 'expiry-asked-too-early',
    bug: 'time passes between the question whether it has expired and the send',
    file: deliver,
    find: `  if (await isDuplicate(notification, ports)) return end('duplicate', notification, ports)
  // the last question before the send, so that no time passes in between
  if (isExpired(notification, ports.clock.now()))
    return endWithFeedback('expired', 'Expired', notification, ports)`,
    replace: `  if (isExpired(notification, ports.clock.now()))
    return endWithFeedback('expired', 'Expired', notification, ports)
  if (await isDuplicate(notification, ports)) return end('duplicate', notification, ports)`,
    seed: 115,
  },
  {
    name: 'single-attempt-stored',
    bug: 'a notification with expiration 0 is kept for later',
    file: deliver,
    find: "return { do: notification.expiration === 0 ? 'drop' : 'hold' }",
    replace: "return { do: 'hold' }",
    seed: 2,
  },
  {
    name: 'not-marked-as-stored',
    bug: 'the device cannot tell a drained notification from a new one',
    file: deliver,
    find: 'switch (await send(notification, true, ports)) {',
    replace: 'switch (await send(notification, false, ports)) {',
    seed: 2,
  },
  {
    name: 'throttled-is-done',
    bug: 'a notification that IoT Core throttled is forgotten',
    file: deliver,
    find: "    case 'again':\n      return 'again'",
    replace: "    case 'again':\n      return 'done'",
    seed: 3,
  },
  {
    name: 'replaced-is-silent',
    bug: 'the notification that a newer one replaced ends without an event',
    file: deliver,
    find: '  if (stored.replaced) await endReplaced(stored.replaced, ports)\n',
    replace: '',
    seed: 1,
  },
  {
    name: 'loser-says-drained',
    bug: 'the end is recorded also by one who did not remove the slot',
    file: deliver,
    find: "if (removed) ports.outcomes.record(outcomeOf('drained'",
    replace: "if (removed || true) ports.outcomes.record(outcomeOf('drained'",
    seed: 2,
  },
  {
    name: 'long-dead-token',
    bug: 'a notification that waited in the queue is sent to a token that died long ago',
    file: deliver,
    find: 'return attempt.number > 1 || ports.clock.now() - acceptedAt > FRESH_MS',
    replace: 'return attempt.number > 1_000 || acceptedAt < 0',
    seed: 3,
  },
  {
    name: 'answer-before-queue',
    bug: 'the provider hears 200 before the queue holds the notification',
    file: 'core/accept.ts',
    find: 'await ports.queue.send(judged)',
    replace: 'ports.queue.send(judged).catch(() => {})',
    seed: 1,
  },
  {
    name: 'revocation-skips-the-dead',
    bug: 'a second run of a revocation leaves undone what the first had begun',
    file: unregister,
    find: 'for (const { topic } of await ports.registrations.list(deviceId)) {',
    replace: `for (const { topic, live } of await ports.registrations.list(deviceId)) {
    if (!live) continue`,
    seed: 68,
  },
  {
    name: 'revoked-registers-again',
    bug: 'a revocation is no more than an unregister: a slow clock or a late register message undoes it',
    file: unregister,
    find: 'await ports.registrations.revoke(deviceId, topic, at)',
    replace: 'await ports.registrations.change(deviceId, topic, false, at)',
    seed: 1607,
  },
  {
    name: 'late-unregister-wins',
    bug: 'an unregister that is worked late ends the registration that came after it',
    file: 'test/simulation/ports/registrations.ts',
    find: '  if (row.changedAt >= at) return undefined\n',
    replace: '',
    seed: 11,
  },
]
