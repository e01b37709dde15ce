import { random } from '../../simulate/random.ts'
import { activateDevice, type FaultDevice, pause } from '../device.ts'
import { settle } from '../drain.ts'
import { closeFleet, inParallel, makeFleet } from '../fleet.ts'
import { type Lane, Ledger, laneKey } from '../ledger.ts'
import { connectAll, type Fleet, Load } from '../load.ts'
import { type ServiceProcess, startProcess } from '../process.ts'
import { FaultProvider } from '../provider.ts'
import type { Report } from '../report.ts'

export interface SigkillOptions {
  readonly seed: number
  readonly devices: number
  readonly kills: number
  say(line: string): void
}

interface World extends SigkillOptions {
  readonly service: ServiceProcess
  readonly ledger: Ledger
  readonly provider: FaultProvider
  readonly fleet: Fleet
  /** Offline from the first kill to the last: what is stored for them nobody fetches. */
  readonly away: readonly FaultDevice[]
  /** A token that its device gave up before the first kill. */
  readonly dead: Lane
}

/**
 * The whole of `npm start` dies in the middle of its work and starts again on the same state. What was
 * accepted, wherever it was, and everything else, must be there afterward.
 */
export async function killedProcess(options: SigkillOptions): Promise<Report> {
  const service = await startProcess()
  const ledger = new Ledger()
  const provider = new FaultProvider(service.local)
  try {
    const fleet = await makeFleet({ ...options, local: service.local, ledger, topics: 2 })
    const away = fleet.devices.slice(0, Math.ceil(options.devices / 3))
    await Promise.all(away.map((device) => device.disconnect(false)))
    const dead = await makeDeadToken(service)
    const world = { ...options, service, ledger, provider, fleet, away, dead }
    return await killRepeatedly(world)
  } finally {
    provider.close()
    await service.stop()
  }
}

async function makeDeadToken({ local }: ServiceProcess): Promise<Lane> {
  const device = await activateDevice(local, () => {})
  await device.connect()
  const { topic } = local.provider
  const token = await device.register(topic)
  await device.publish('unregister', { topic })
  await pause(2_000)
  await device.disconnect(false)
  return { deviceId: device.deviceId, topic, token }
}

async function killRepeatedly(world: World): Promise<Report> {
  const { ledger, fleet, kills, devices, seed, say } = world
  const violations: string[] = []
  const figures: { starts: string[]; slots: number[] } = { starts: [], slots: [] }
  for (let kill = 0; kill < kills; kill += 1) {
    const { before, seconds } = await killUnderLoad(world, seed + kill)
    violations.push(...(await examine(world, before)))
    figures.starts.push(seconds.toFixed(1))
    figures.slots.push(before.size)
    say(`kill ${kill + 1}: ${before.size} slots, serving again after ${seconds.toFixed(1)} s`)
  }
  const { accepted } = ledger
  const newest = await newestSlots(world)
  await connectAll(fleet.devices)
  await pause(30_000, () => ledger.missing().length === 0)
  violations.push(...unfetched(newest, ledger).map((key) => `stored, but not fetched: ${key}`))
  violations.push(...ledger.missing().map(({ lane }) => `accepted, but lost: ${laneKey(lane)}`))
  await sendToAll(world)
  const settled = await settle(ledger, fleet.devices, 30_000)
  await closeFleet(fleet)
  return {
    scenario: `sigkill: npm start killed ${kills} times under load, ${devices} devices, seed ${seed}`,
    figures: {
      accepted,
      'slots of the away at the kills': figures.slots.join(', '),
      'serving again s': figures.starts.join(', '),
      'after the last start': `${fleet.lanes.length} sent`,
      ...settled.figures,
    },
    violations: [
      ...violations,
      ...settled.lost.map(({ lane }) => `lost after the last start: ${laneKey(lane)}`),
    ],
  }
}

/** Returns the slots of the away devices as they were right before the kill, and the time it took to serve again. */
async function killUnderLoad(world: World, seed: number) {
  const { service, ledger, provider, fleet, away } = world
  const dice = random(seed)
  const present = fleet.devices.filter((device) => !away.includes(device))
  const load = new Load({
    ...{ ledger, provider, random: dice, devices: present },
    ...{ inFlight: 8, restMs: 20, stayMs: 3_000 },
  })
  load.sendTo(fleet.lanes)
  load.start()
  await pause(dice.between(2_000, 4_000))
  const before = await newestSlots(world)
  await service.kill()
  await load.stop()
  const started = performance.now()
  await service.start()
  return { before, seconds: (performance.now() - started) / 1000 }
}

/** The seq in each slot of an away device, by lane. */
async function newestSlots({ service, away }: World): Promise<Map<string, string>> {
  const slots = await service.slots()
  const theirs = slots.filter((slot) => away.some(({ deviceId }) => deviceId === slot.deviceId))
  return new Map(theirs.map((slot) => [laneKey(slot), slot.seq]))
}

/** What the new process has forgotten of what the old one knew. */
async function examine(world: World, before: ReadonlyMap<string, string>): Promise<string[]> {
  const { fleet, away, provider, dead, service } = world
  const after = await newestSlots(world)
  const gone = [...before].filter(([key, seq]) => (after.get(key) ?? '') < seq)
  const present = fleet.devices.filter((device) => !away.includes(device))
  await connectAll(present)
  const [one] = present
  const refused = present.flatMap(({ rejected }) => rejected.splice(0))
  const token = one && (await one.registerAgain(service.local.provider.topic))
  const known = fleet.lanes.find(({ deviceId }) => deviceId === one?.deviceId)?.token
  const { status } = await provider.send(dead, 'to nobody')
  await (await activateDevice(service.local, () => {})).connect()
  return [
    ...gone.map(([key]) => `a slot was lost: ${key}`),
    ...refused.map((rejection) => `a token was refused: ${JSON.stringify(rejection)}`),
    ...(token === known ? [] : ['a device got another token than before: the token key is lost']),
    ...(status === 410 ? [] : [`a token that was given up answers ${status}`]),
  ]
}

/** Lanes of which the device has not got what was in the slot, nor anything newer. */
function unfetched(slots: ReadonlyMap<string, string>, ledger: Ledger): string[] {
  return [...slots].filter(([key, seq]) => ledger.newestSeq(key) < seq).map(([key]) => key)
}

async function sendToAll({ fleet, ledger, provider }: World): Promise<void> {
  await inParallel(fleet.lanes.length, 8, async (index) => {
    const lane = fleet.lanes[index]
    if (lane) ledger.answered(lane, await provider.send(lane, ledger.nextText(lane)))
  })
}
