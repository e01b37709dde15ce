import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Deferred, defer } from '../src/deferred.ts'
import { Events } from '../src/events.ts'
import { Registrar } from '../src/registrar.ts'
import { RegistrationStore } from '../src/registrations.ts'
import { type ManualClock, manualClock } from './helpers/manual-clock.ts'
import { until } from './helpers/wait.ts'

const APP = 'com.example.app'

let directory: string
let store: RegistrationStore
let registrar: Registrar
let clock: ManualClock
/** What was published, each with its PUBACK. */
let sent: { readonly kind: string; readonly acknowledged: Deferred<void> }[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'heliograph-registrar-'))
  store = await RegistrationStore.open(directory)
  // what an earlier test left running must not write here
  const own: typeof sent = []
  sent = own
  clock = manualClock()
  registrar = new Registrar({
    store,
    send: (kind) => {
      const acknowledged = defer<void>()
      own.push({ kind, acknowledged })
      return acknowledged.promise
    },
    events: new Events(),
    clock,
    random: () => 0.5,
    timeLimitMs: 1_000,
  })
})
afterEach(async () => {
  await store.idle()
  await rm(directory, { recursive: true, force: true })
})

const published = (count: number) => until(() => sent.length === count, `${count} messages`)

it('an acknowledgement of the first unregister does not settle the last one', async () => {
  registrar.unregister(APP).catch(() => {})
  registrar.register(APP).catch(() => {})
  registrar.unregister(APP).catch(() => {})
  await published(3)
  sent[2]?.acknowledged.reject(new Error('the connection is gone'))
  sent[0]?.acknowledged.resolve()
  await sleep(1) // so that the write below waits behind whatever that has begun
  await store.change('com.example.other', () => ({ state: 'wanted' }))
  expect(store.topics.get(APP)).toEqual({ state: 'leaving' })

  registrar.onConnected()
  await published(6)
  sent
    .filter(({ kind }) => kind === 'unregister')
    .at(-1)
    ?.acknowledged.resolve()
  await until(() => !store.topics.has(APP), 'the topic to be left')
})

it('a topic that could not be given up, as the disk is full, is not taken for left', async () => {
  await store.change(APP, () => ({ state: 'wanted', token: 'token' }))
  const write = store.change.bind(store)
  store.change = () => Promise.reject(new Error('the disk is full'))
  await expect(registrar.unregister(APP)).rejects.toThrow('full')
  expect([registrar.hasLeft(APP), sent]).toEqual([false, []])

  store.change = write
  const left = registrar.unregister(APP)
  await published(1)
  sent[0]?.acknowledged.resolve()
  await left
  store.change = () => Promise.reject(new Error('the disk is full'))
  await expect(registrar.unregister(APP)).rejects.toThrow('full')
  expect(registrar.hasLeft(APP)).toBe(true)
})

it.each([
  ['answered', () => registrar.onToken({ topic: APP, token: 'token' })],
  [
    'refused',
    () => registrar.onError({ reason: 'UnknownTopic', request: { kind: 'register', topic: APP } }),
  ],
  ['given up', async () => void registrar.unregister(APP).catch(() => {})],
])('a register that is acknowledged while it is %s is not repeated', async (_what, end) => {
  registrar.register(APP).catch(() => {})
  await published(1)
  const ended = end()
  sent[0]?.acknowledged.resolve()
  await ended
  await store.idle()
  clock.advance(20_000)
  expect(sent.filter(({ kind }) => kind === 'register')).toHaveLength(1)
  expect(clock.waiting()).toEqual([])
})

it('a register that is acknowledged and not answered is repeated', async () => {
  registrar.register(APP).catch(() => {})
  await published(1)
  sent[0]?.acknowledged.resolve()
  await sleep(1)
  clock.advance(10_000)
  expect(sent.map(({ kind }) => kind)).toEqual(['register', 'register'])
})
