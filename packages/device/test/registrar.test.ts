import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Deferred, defer } from '../src/deferred.ts'
import { Events } from '../src/events.ts'
import { Registrar } from '../src/registrar.ts'
import { RegistrationStore } from '../src/registrations.ts'
import { manualClock } from './helpers/manual-clock.ts'
import { until } from './helpers/wait.ts'

const APP = 'com.example.app'

let directory: string
let store: RegistrationStore
let registrar: Registrar
/** What was published, each with its PUBACK. */
let sent: { readonly kind: string; readonly acknowledged: Deferred<void> }[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'heliograph-registrar-'))
  store = await RegistrationStore.open(directory)
  sent = []
  registrar = new Registrar({
    store,
    send: (kind) => {
      const acknowledged = defer<void>()
      sent.push({ kind, acknowledged })
      return acknowledged.promise
    },
    events: new Events(),
    clock: manualClock(),
    random: () => 0.5,
    timeLimitMs: 1_000,
  })
})
afterEach(() => rm(directory, { recursive: true, force: true }))

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
