import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../tools/conformance/plain-device.ts'
import { Served } from './served.ts'

/**
 * A process of its own that is killed under load, again and again: nothing that it accepted may be
 * lost. KILLS=60 npm run test:machine -- test/machine/kill.live.ts for the long form.
 */
const KILLS = Number(process.env.KILLS ?? 5)
const PORT_BASE = Number(process.env.KILL_PORT_BASE ?? 18_400)

let served: Served

beforeAll(async () => {
  served = new Served(mkdtempSync(join(tmpdir(), 'heliograph-kill-')), PORT_BASE)
  await served.start()
  for (let n = 0; n < 4; n += 1) await served.openDevice()
})

afterAll(async () => {
  await served.close()
  rmSync(served.state, { recursive: true, force: true })
})

/** Sends to every device until the connection breaks; resolves to what was accepted, and what had no answer. */
async function load(): Promise<{
  readonly accepted: string[]
  readonly open: Map<number, string>
}> {
  const session = served.connect()
  const accepted: string[] = []
  const open = new Map<number, string>()
  const lane = async (at: number) => {
    for (;;) {
      const id = randomUUID()
      open.set(at, id)
      if ((await served.send(session, at, id)) !== 200) return
      open.delete(at)
      accepted.push(id)
    }
  }
  await Promise.all(served.devices.map((_, at) => lane(at)))
  session.destroy()
  return { accepted, open }
}

/** As a provider that had no answer does: the same once more, under the same id. */
async function repeat(open: ReadonlyMap<number, string>): Promise<string[]> {
  const session = served.connect()
  const ids = [...open]
  for (const [at, id] of ids) expect(await served.send(session, at, id)).toBe(200)
  session.destroy()
  return ids.map(([, id]) => id)
}

test(
  `nothing that was accepted is lost in ${KILLS} kills under load`,
  async () => {
    const accepted: string[] = []
    for (let n = 0; n < KILLS; n += 1) {
      const sending = load()
      await wait(300 + (n % 7) * 40)
      await served.kill()
      const loaded = await sending
      await served.start()
      accepted.push(...loaded.accepted, ...(await repeat(loaded.open)))
      const isOver = (id: string) => served.isOver(id)
      await until(() => accepted.every(isOver)).catch(() => {})
      expect(accepted.filter((id) => !isOver(id))).toEqual([])
    }
    const isArrived = (id: string) => ['delivered', 'drained'].includes(served.ends.get(id) ?? '')
    const arrived = accepted.filter(isArrived)
    const heard = new Set(served.devices.flatMap((one) => [...one.heard]))
    expect(arrived.filter((id) => !heard.has(id))).toEqual([])
    expect(accepted.length).toBeGreaterThan(KILLS * 10)
    console.log(
      `${accepted.length} accepted in ${KILLS} kills, ${arrived.length} arrived, the others coalesced`,
    )
  },
  KILLS * 200_000,
)
