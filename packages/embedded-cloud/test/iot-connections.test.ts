import { beforeEach, describe, expect, it } from 'vitest'
import type { AedesClient } from '../src/iot/aedes-client.ts'
import { Connections } from '../src/iot/connections.ts'
import { Session } from '../src/iot/session.ts'

const minute = 60_000
let now = 0
let events: Record<string, unknown>[] = []
let connections: Connections
beforeEach(() => {
  now = 1_000_000
  events = []
  const announce = ({ payload }: { payload: Buffer }) => void events.push(JSON.parse(`${payload}`))
  connections = new Connections({ announce, now: () => now })
})

function session(clientId: string, more: { clean?: boolean; nextId?: number } = {}): Session {
  const client = { _nextId: more.nextId ?? 1 } as AedesClient
  const facts = {
    id: crypto.randomUUID(),
    clientId,
    principal: { certificateId: 'cert', thingName: undefined, variables: {} },
    clean: more.clean ?? true,
    keepAliveSeconds: 60,
    addresses: { sourceIp: '127.0.0.1', sourcePort: 1, targetIp: '127.0.0.1', targetPort: 2 },
  }
  return new Session(client, facts, 100)
}

const story = () => events.map((event) => event.disconnectReason ?? event.eventType)

describe('connections', () => {
  it('a new session of a client id ends the old one first, with all that waits for it', async () => {
    const old = session('a')
    connections.begin(old)
    const waiting = old.acknowledgementOf(7, minute)
    const young = session('a')
    connections.begin(young)
    expect(await waiting).toBe('disconnected')
    expect(connections.live('a')).toBe(young)
    expect(story()).toEqual(['connected', 'DUPLICATE_CLIENTID', 'connected'])
    connections.end(old, 'CONNECTION_LOST')
    expect(connections.live('a')).toBe(young)
    expect(events.map((event) => event.versionNumber)).toEqual([0, 0, 1])
  })

  it('ends once, for the reason that was decided first', () => {
    const one = session('a')
    connections.begin(one)
    one.endReason = 'AUTH_ERROR'
    connections.end(one, 'CONNECTION_LOST')
    connections.end(one, 'CONNECTION_LOST')
    expect(story()).toEqual(['connected', 'AUTH_ERROR'])
    expect([...connections.sessions()]).toEqual([])
  })

  it('remembers an ended connection for half an hour, its persistent session for an hour', () => {
    const one = session('a', { clean: false })
    connections.begin(one)
    connections.end(one, 'CONNECTION_LOST')
    expect(connections.find('a')?.session).toBeUndefined()
    now += 30 * minute
    expect(connections.find('a')?.ended?.reason).toBe('CONNECTION_LOST')
    now += 1
    expect(connections.find('a')).toBeUndefined()
    expect(connections.hasPersistentSession('a')).toBe(true)
    now += 30 * minute
    expect(connections.hasPersistentSession('a')).toBe(false)
    connections.begin(session('b'))
    connections.begin(session('a'))
    expect(events.at(-1)?.versionNumber).toBe(0)
  })
})

describe('message ids', () => {
  it('go round after 65535 and skip those that a device still owes', async () => {
    const one = session('a', { nextId: 65_535 })
    void one.acknowledgementOf(1, minute)
    void one.acknowledgementOf(65_535, minute)
    expect([one.nextMessageId(), one.nextMessageId()]).toEqual([2, 3])
    expect(one.acknowledge(1)).toBe(true)
    expect(one.acknowledge(1)).toBe(false)
    one.abandon()
  })
})
