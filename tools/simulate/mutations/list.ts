import type { Mutation } from './mutation.ts'

const deliver = 'packages/core/src/delivery/deliver.ts'
const slot = 'packages/core/src/delivery/slot.ts'
const drain = 'packages/core/src/delivery/drain.ts'
const waiting = 'packages/core/src/delivery/waiting.ts'
const rest = 'packages/core/src/delivery/rest.ts'
const multicast = 'lambdas/deliver/multicast.ts'
const connect = 'packages/core/src/devices/connect.ts'
const unregister = 'packages/core/src/devices/unregister.ts'
const outcomeBatch = 'packages/aws/src/outcome-batch.ts'
const receipt = 'packages/core/src/receipts/receipt.ts'
const slots = 'tools/simulate/ports/pending.ts'
const seal = 'packages/core/src/delivery/seal.ts'
const tokenTrust = 'packages/core/src/trust/token-trust.ts'

/**
 * Bugs in the rules of deliver and drain (and in the conditions of the slot, which are also in
 * aws/pending-notifications), each with a seed that shows it. `find-seeds.ts` finds new seeds.
 */
export const mutations: readonly (Mutation & { readonly seed: number })[] = [
  {
    name: 'no-second-send',
    bug: 'a device that connects between the first send and the put waits for its next connect',
    file: deliver,
    find: "const after = sent === 'unconfirmed' ? 'again' : await sendStored(notification, ports)",
    replace: "const after = sent === 'unconfirmed' ? 'again' : 'settled'",
    seed: 51,
  },
  {
    name: 'unconditional-delete',
    bug: 'a late acknowledgement deletes the newer notification that took the slot',
    file: slots,
    find: 'if (notification?.seq !== seq) return false',
    replace: 'if (!notification) return false',
    seed: 4,
  },
  {
    name: 'unconditional-put',
    bug: 'an older notification replaces a newer one',
    file: slots,
    find: 'if (isInTheWay && despite?.version !== old) return { kept: false }',
    replace: '',
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
    file: slot,
    find: 'slot && isNewer(slot.seq, seq) &&',
    replace: 'slot && isNewer(seq, slot.seq) &&',
    seed: 5,
  },
  {
    name: 'registration-read-before-put',
    bug: 'an unregister between the read and the put leaves a notification in the slot of a dead token',
    file: slot,
    find: `  const stored = await ports.pending.put(notification, ports.clock.now())
  if (!stored.kept) {
    end('coalesced', notification, ports)
    return 'older'
  }
  if (stored.replaced) await endReplaced(stored.replaced, notification, ports)
  const dead = await isDead(notification, ports)
`,
    replace: `  const dead = await isDead(notification, ports)
  const stored = await ports.pending.put(notification, ports.clock.now())
  if (!stored.kept) {
    end('coalesced', notification, ports)
    return 'older'
  }
  if (stored.replaced) await endReplaced(stored.replaced, notification, ports)
`,
    seed: 312,
  },
  {
    name: 'stored-kept-from-the-receipt',
    bug: 'deliver does not tell that it stored what a drain took before the token was read as dead',
    file: slot,
    find: "if (dead && (await dropDead(notification, ports))) return 'gone'",
    replace: `if (dead) {
    await dropDead(notification, ports)
    return 'gone'
  }`,
    seed: 755,
  },
  {
    name: 'slot-emptied-before-death',
    bug: 'unregister empties the slot before it marks the registration dead',
    file: unregister,
    find: `  const registration = await ports.registrations.change(deviceId, topic, false, at)
  if (registration.live) return 'overtaken'
  await emptySlots(deviceId, topic, ports)`,
    replace: `  await emptySlots(deviceId, topic, ports)
  const registration = await ports.registrations.change(deviceId, topic, false, at)
  if (registration.live) return 'overtaken'`,
    seed: 128,
  },
  {
    name: 'slot-emptied-blindly',
    bug: 'a late unregister takes what was stored for the registration after it',
    file: unregister,
    find: 'if (await isDead(slot, ports)) await dropDead(slot, ports)',
    replace: 'await dropDead(slot, ports)',
    seed: 752,
  },
  {
    name: 'drain-for-the-dead',
    bug: 'a slot is sent without asking whether the token is still live',
    file: drain,
    find: `  if (await isDead(notification, ports)) {
    await dropDead(notification, ports)
    return 'settled'
  }
  if (isSilent`,
    replace: '  if (isSilent',
    seed: 6,
  },
  {
    name: 'silence-taken-for-an-end',
    bug: 'a slot of a device that was silent just now is not tried again',
    file: drain,
    find: "if (isSilent(notification, ports) && !attempt.last) return 'again'",
    replace: "if (isSilent(notification, ports) && !attempt.last) return 'waits'",
    seed: 30,
  },
  {
    name: 'held-and-forgotten',
    bug: 'a notification that a silent device did not acknowledge is stored, and its slot never tried',
    file: deliver,
    find: "const after = sent === 'unconfirmed' ? 'again'",
    replace: "const after = sent === 'unconfirmed' ? 'settled'",
    seed: 1,
  },
  {
    name: 'silence-taken-for-absence',
    bug: 'a device that is connected but did not acknowledge is left to a connect that never comes',
    file: drain,
    find: `    case 'unconfirmed':
    case 'busy':
      return 'again'`,
    replace: `    case 'unconfirmed':
    case 'busy':
      return 'waits'`,
    seed: 44,
  },
  {
    name: 'drain-forgets-the-rest',
    bug: 'of the slots of a device that connects only the oldest is tried',
    file: connect,
    find: 'oldestFirst.map((slot)',
    replace: 'oldestFirst.slice(0, 1).map((slot)',
    seed: 5,
  },
  {
    name: 'retry-without-a-look',
    bug: 'a message that comes again is sent directly although it is in its slot',
    file: deliver,
    find: `    const place = await placeInSlot(notification, ports)
    if (place === 'in-slot') return`,
    replace: `    const place = await placeInSlot(notification, ports)
    if (place === ('never' as string)) return`,
    seed: 11,
  },
  {
    name: 'slot-retry-without-a-look',
    bug: 'a slot is sent again after it has been settled',
    file: waiting,
    find: "return (await placeInSlot(notification, ports)) === 'in-slot' ? [notification] : []",
    replace: 'return [notification]',
    seed: 1,
  },
  {
    name: 'stored-and-late',
    bug: 'a stored notification is sent after its expiration, because DynamoDB deletes late',
    file: drain,
    find: "  if (isExpired(notification, ports.clock.now())) return 'settled'\n  switch",
    replace: '  switch',
    seed: 5,
  },
  {
    name: 'expired-in-transit',
    bug: 'a notification that expired in the queue is sent',
    file: deliver,
    find: '  if (isExpired(notification, ports.clock.now())) {',
    replace: '  if (isExpired(notification, 0)) {',
    seed: 1,
  },
  {
    name: 'expiry-asked-too-early',
    bug: 'time passes between the question whether it has expired and the send',
    file: deliver,
    find: `  if (notification.idFromProvider && (await isDuplicate(notification, ports)))
    return end('duplicate', notification, ports)
  // the last check before the send, so that no time passes in between
  if (isExpired(notification, ports.clock.now())) {`,
    replace: `  const isOver = isExpired(notification, ports.clock.now())
  if (notification.idFromProvider && (await isDuplicate(notification, ports)))
    return end('duplicate', notification, ports)
  if (isOver) {`,
    seed: 70,
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
    file: slot,
    find: '  if (stored.replaced) await endReplaced(stored.replaced, notification, ports)\n',
    replace: '',
    seed: 1,
  },
  {
    name: 'loser-says-drained',
    bug: 'the end is recorded also by one who did not remove the slot',
    file: drain,
    find: "if (removed) end('drained'",
    replace: "if (removed || true) end('drained'",
    seed: 4,
  },
  {
    name: 'long-dead-token',
    bug: 'a notification that waited in the queue is sent to a token that died long ago',
    file: deliver,
    find: 'return attempt.number > 1 || ports.clock.now() - acceptedAt > FRESH_MS',
    replace: 'return attempt.number > 1_000 || acceptedAt < 0',
    seed: 2,
  },
  {
    name: 'answer-before-queue',
    bug: 'the provider hears 200 before the queue holds the notification',
    file: 'packages/core/src/send/accept.ts',
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
    seed: 95,
  },
  {
    name: 'revoked-registers-again',
    bug: 'a revocation is no more than an unregister: a slow clock or a late register message undoes it',
    file: unregister,
    find: 'await ports.registrations.revoke(deviceId, topic, at)',
    replace: 'await ports.registrations.change(deviceId, topic, false, at)',
    seed: 61,
  },
  {
    name: 'forged-row-keeps-out',
    bug: 'a forged row of a newer seq keeps a genuine notification out of its slot',
    file: seal,
    find: 'if (other && isNewer(other.seq, notification.seq) && !isExpired(other, nowMs))',
    replace: 'if (row)',
    seed: 1,
  },
  {
    name: 'forged-row-is-found',
    bug: 'a retry is given up because of a forged row in the slot',
    file: seal,
    find: 'find: async (deviceId, slot) => genuine(await table.find(deviceId, slot)),',
    replace: 'find: async (deviceId, slot) => (await table.find(deviceId, slot))?.notification,',
    seed: 7,
  },
  {
    name: 'forged-row-is-ended',
    bug: 'a forged row that a put displaced is said to have ended',
    file: seal,
    find: 'if (stored.kept) return withReplaced(await genuine(stored.replaced))',
    replace: 'if (stored.kept) return withReplaced(stored.replaced?.notification)',
    seed: 1,
  },
  {
    name: 'forged-row-expires',
    bug: 'a provider is told that a forged notification has expired',
    file: 'lambdas/expire/handler.ts',
    find: 'if (await isGenuine(notification))',
    replace: 'if (notification.seq)',
    seed: 2,
  },
  {
    name: 'any-seal-is-good',
    bug: 'what somebody sends to the queue reaches the device',
    file: seal,
    find: 'return keys.some((key) => timingSafeEqual(sealOf(key, notification), seal))',
    replace: 'return true',
    seed: 1,
  },
  {
    name: 'token-of-another',
    bug: 'a device that presents the token of another is served as if it were its own',
    file: connect,
    find: 'else if (opened.deviceId !== deviceId)',
    replace: 'else if (opened.deviceId === undefined)',
    seed: 1,
  },
  {
    name: 'late-unregister-wins',
    bug: 'an unregister that is worked late ends the registration that came after it',
    file: 'tools/simulate/ports/registrations.ts',
    find: '  if (row.changedAt >= at) return undefined\n',
    replace: '',
    seed: 3,
  },
  {
    name: 'outcomes-only-of-success',
    bug: 'an invocation that fails in its middle keeps to itself what had happened by then',
    file: outcomeBatch,
    find: `    try {
      return await handler(event)
    } finally {
      await outcomes.flush()
    }`,
    replace: `    const answer = await handler(event)
    await outcomes.flush()
    return answer`,
    seed: 15,
  },
  {
    name: 'record-hides-its-failures',
    bug: 'outcomes that could not be written are acknowledged, and their receipts lack them',
    file: 'lambdas/record/handler.ts',
    find: '    return false\n',
    replace: '    return true\n',
    seed: 7,
  },
  {
    name: 'receipt-goes-back',
    bug: 'a notification that was delivered counts as stored again when the queue repeats its message',
    file: receipt,
    find: 'if (isEnd(state) || kind === state',
    replace: 'if (kind === state',
    seed: 2,
  },
  {
    name: 'receipt-order-of-clocks',
    bug: 'what was taken out of its slot before its storing was recorded seems to be stored to this day',
    file: receipt,
    find: 'if (left === -1 || stored < left || lag > LAG_MS) return ordered',
    replace: 'return ordered',
    seed: 1,
  },
  {
    name: 'receipt-repeats-as-new',
    bug: 'what the queue handed out twice seems to have ended twice',
    file: receipt,
    find: 'return { ...event, repeat: true }',
    replace: 'return event',
    seed: 1,
  },
  {
    name: 'receipt-hides-a-gap',
    bug: 'a receipt that lacks an outcome looks whole',
    file: receipt,
    find: '      incomplete = true',
    replace: '      incomplete = false',
    seed: 2,
  },
  {
    name: 'receipt-sees-a-gap',
    bug: 'a receipt that lacks nothing says so where two hand-outs met',
    file: receipt,
    find: ' && !isOvertaking(kind, outcomes.slice(place + 1))',
    replace: '',
    seed: 71,
  },
  {
    name: 'replaced-by-itself',
    bug: 'the receipt of what was replaced names another than the one that took its slot',
    file: slot,
    find: "else end('coalesced', replaced, ports, by)",
    replace: "else end('coalesced', replaced, ports, replaced)",
    seed: 1,
  },
  {
    name: 'record-keeps-one',
    bug: 'of the outcomes that come in a batch only those of its first message are kept',
    file: 'lambdas/record/handler.ts',
    find: 'read.flatMap(({ outcomes = [] }) => outcomes)',
    replace: 'read.slice(0, 1).flatMap(({ outcomes = [] }) => outcomes)',
    seed: 1,
  },
  {
    name: 'duplicate-without-an-end',
    bug: 'a repeat of an apns-id is dropped, and its receipt never says so',
    file: deliver,
    find: "return end('duplicate', notification, ports)",
    replace: "return 'done'",
    seed: 2,
  },
  {
    name: 'multicast-forgets-the-failed',
    bug: 'where some recipients of a message are done the others are deleted with it',
    file: rest,
    find: "return { do: 'split', again, dead: dead.map((one) => ({ ...one, receives: 0 })) }",
    replace: "return { do: 'finish' }",
    seed: 4,
  },
  {
    name: 'multicast-has-one-end',
    bug: 'what came of the first recipient is taken for what came of all',
    file: rest,
    find: "deliveries[at] !== 'done'",
    replace: "deliveries[0 * at] !== 'done'",
    seed: 4,
  },
  {
    name: 'multicast-counts-anew',
    bug: 'a recipient that was given back is sent to as if for the first time, without a look into its slot',
    file: multicast,
    find: 'const number = receives + received',
    replace: 'const number = received + 0 * receives',
    seed: 545,
  },
  {
    name: 'multicast-lets-go-first',
    bug: 'the message is deleted although the queue did not take what is left of it',
    file: multicast,
    find: "faultFields(fault))\n    return 'again'",
    replace: "faultFields(fault))\n    return 'done'",
    seed: 74,
  },
  {
    name: 'slot-among-notifications',
    bug: 'the slot of a silent device waits in the line of notifications and holds them up',
    file: deliver,
    find: "if (after === 'again') await ports.queue.send(notification, SLOT_RETRY)",
    replace:
      "if (after === 'again') await (ports as any).notifications.send(notification, SLOT_RETRY)",
    seed: 2,
  },
  {
    name: 'rest-among-slots',
    bug: 'what is left of a multicast is given back to the line of slots, which has little room',
    file: multicast,
    find: 'ports.notifications.sendMulticasts([again]',
    replace: '(ports as any).queue.sendMulticasts([again]',
    seed: 7,
  },
  {
    name: 'drain-as-if-new',
    bug: 'connect hands a slot to deliver as if it were a notification that has just been accepted',
    file: connect,
    find: 'queue.send(slot, { slotOnly: true })',
    replace: 'queue.send(slot)',
    seed: 2,
  },
  {
    name: 'queue-without-a-limit',
    bug: 'a queue hands out as many batches at once as it has messages for',
    file: 'tools/simulate/queue.ts',
    find: 'if (this.#running >= this.#concurrency)',
    replace: 'if (this.#running < 0)',
    seed: 1,
  },
  {
    name: 'revoked-key-still-counts',
    bug: 'the tokens of a revoked provider key are good until they expire',
    file: tokenTrust,
    find: 'if (revokedAt !== undefined)',
    replace: 'if (revokedAt === 0)',
    seed: 17,
  },
  {
    name: 'key-believed-for-long',
    bug: 'a provider key that was read once is believed for most of an hour',
    file: 'packages/core/src/cached.ts',
    find: `  const recall = remember<ProviderKey>(
    Math.min(seconds, MAX_TRUST_SECONDS),`,
    replace: `  const recall = remember<ProviderKey>(
    Math.min(seconds, MAX_TRUST_SECONDS) * 100,`,
    seed: 34,
  },
  {
    name: 'remembered-for-ever',
    bug: 'a token that was checked once is good for as long as its key is',
    file: tokenTrust,
    find: '(isFresh(token.issuedAt, clock.now()) ? key : expired)',
    replace: 'key',
    seed: 28,
  },
  {
    name: 'no-expiry',
    bug: 'a token may be as old as it likes when it is first seen',
    file: tokenTrust,
    find: 'if (!isFresh(token.issuedAt, clock.now())) return expired',
    replace: '',
    seed: 2,
  },
  {
    name: 'any-signature-is-good',
    bug: 'whoever knows the id of a provider key can make tokens of it',
    file: tokenTrust,
    find: 'if (!isProven(token.proof, publicKeyOf(key)))',
    replace: 'if (!token.proof)',
    seed: 2,
  },
  {
    name: 'key-for-any-topic',
    bug: 'a provider key sends to topics that it does not name',
    file: 'packages/core/src/trust/authenticated-provider.ts',
    find: 'return topics.includes(topic) ? topic : foreignTopic(credential, topic)',
    replace:
      'return topics.includes(topic) || credential ? topic : foreignTopic(credential, topic)',
    seed: 2,
  },
  {
    name: 'answer-before-queue-of-many',
    bug: 'the provider hears 200 for many devices before the queue holds their notifications',
    file: 'packages/core/src/send/accept-many.ts',
    find: 'const held = await queue.sendMulticasts(multicasts)',
    replace: `queue.sendMulticasts(multicasts).catch(() => {})
  const held = new Set(notifications)`,
    seed: 4,
  },
  {
    name: 'line-goes-on',
    bug: 'after a notification that the device did not take, those behind it are sent nevertheless',
    file: drain,
    find: "if (step !== 'settled') return afterStop",
    replace: "if (step !== 'settled' && place === waiting.length - 1) return afterStop",
    seed: 3,
  },
  {
    name: 'line-newest-first',
    bug: 'what waits in order is sent in the reverse order',
    file: waiting,
    find: '.sort((a, b) => (isNewer(a.seq, b.seq) ? 1 : -1))',
    replace: '.sort((a, b) => (isNewer(b.seq, a.seq) ? 1 : -1))',
    seed: 3,
  },
  {
    name: 'line-of-one-slot',
    bug: 'each message drains its own slot, so that several at a time break the order',
    file: waiting,
    find: 'if (notification.perCollapseId !== undefined) return',
    replace: 'if (notification.perCollapseId === 0) return',
    seed: 3,
  },
  {
    name: 'line-without-a-limit',
    bug: 'any number of notifications waits',
    file: waiting,
    find: 'Math.max(0, inOrder.length - most)',
    replace: 'Math.max(0, 0 * most)',
    seed: 3,
  },
  {
    name: 'line-too-short',
    bug: 'one fewer than may wait does',
    file: waiting,
    find: 'Math.max(0, inOrder.length - most)',
    replace: 'Math.max(0, inOrder.length - most + 1)',
    seed: 3,
  },
  {
    name: 'line-counts-the-expired',
    bug: 'what has expired takes the place of what has not',
    file: waiting,
    find: 'slot.perCollapseId !== undefined && !isExpired(slot, nowMs)',
    replace: 'slot.perCollapseId !== undefined && nowMs > 0',
    seed: 208,
  },
  {
    name: 'line-ends-silently',
    bug: 'what is one too many is removed, and nobody is told',
    file: waiting,
    find: "if (await removeSlot(one, ports)) end('coalesced', one, ports, waiting.at(-1))",
    replace: 'await removeSlot(one, ports)',
    seed: 3,
  },
  {
    name: 'line-ends-twice',
    bug: 'what is one too many is said to be coalesced also by who did not remove it',
    file: waiting,
    find: 'if (await removeSlot(one, ports)) end(',
    replace: 'if ((await removeSlot(one, ports)) || true) end(',
    seed: 3,
  },
  {
    name: 'line-left-by-the-newest',
    bug: 'the message of the newest ends, too, although the device has not taken what waits',
    file: drain,
    find: 'if (!newest || !isNewer(newest.seq, seq)) return false',
    replace: 'if (!newest || isNewer(seq, newest.seq)) return false',
    seed: 75,
  },
  {
    name: 'connect-names-the-oldest',
    bug: 'connect asks for a drain in the name of one whose message ends early',
    file: connect,
    find: '.sort((a, b) => (isNewer(a.seq, b.seq) ? 1 : -1))',
    replace: '.sort((a, b) => (isNewer(b.seq, a.seq) ? 1 : -1))',
    seed: 34,
  },
  {
    name: 'held-out-of-turn',
    bug: 'what was just put into its slot is sent once more, before what waits longer',
    file: deliver,
    find: 'await sendStored(first, ports)',
    replace: 'await sendStored(notification, ports)',
    seed: 3,
  },
  {
    name: 'line-of-those-without-collapse-id',
    bug: 'notifications without a collapse id replace each other',
    file: 'packages/core/src/delivery/slot-name.ts',
    find: "['seq', seq]",
    replace: "['seq']",
    seed: 3,
  },
  {
    name: 'collapse-ids-are-one',
    bug: 'a notification replaces one of another collapse id',
    file: 'packages/core/src/delivery/slot-name.ts',
    find: "['collapse', collapseId]",
    replace: "['collapse']",
    seed: 3,
  },
  {
    name: 'slots-left-to-the-dead',
    bug: 'unregister empties only the first slot of a topic',
    file: unregister,
    find: 'for (const slot of await ports.pending.listOf(deviceId, topic))',
    replace: 'for (const slot of (await ports.pending.listOf(deviceId, topic)).slice(0, 1))',
    seed: 310,
  },
  {
    name: 'device-knows-topics-only',
    bug: 'a device drops what has another collapse id than the newer one that it has',
    file: 'packages/device/src/taken.ts',
    find: 'if (channel !== undefined || pending === undefined) return',
    replace: 'if (channel !== undefined || pending !== collapseId) return',
    seed: 3,
  },
]
