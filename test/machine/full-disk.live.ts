import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import type { Settings } from '@heliograph/machine/settings'
import { expect, test } from 'vitest'
import { until } from '../../tools/conformance/plain-device.ts'
import { Served } from './served.ts'

/** A disk of a test's own that can be filled and freed while a process writes to it. */
interface Disk {
  readonly folder: string
  fill(served: Served): void
  free(served: Served): void
  remove(): void
}

const MEGABYTE = 1024 * 1024
const scratch = () => mkdtempSync(join(tmpdir(), 'heliograph-full-'))

/** No file of the process may have any more bytes (setrlimit(2), RLIMIT_FSIZE): every write fails. */
function limitedDisk(): Disk {
  const folder = scratch()
  const limit = (pid: number, bytes: string) =>
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`])
  return {
    folder,
    fill: ({ pid }) => limit(pid, '0'),
    free: ({ pid }) => limit(pid, 'unlimited'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A file system of a few megabytes, and another file on it that takes all that is left. */
function smallDisk(): Disk {
  const folder = scratch()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'tmpfs', folder])
  const filler = join(folder, 'filler')
  const fill = () => {
    for (let size = MEGABYTE; size >= 1; size = Math.floor(size / 2)) {
      const bytes = Buffer.alloc(size)
      while (isWritten(filler, bytes));
    }
  }
  return {
    folder,
    fill,
    free: () => rmSync(filler),
    remove() {
      execFileSync('umount', [folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function isWritten(path: string, bytes: Buffer): boolean {
  try {
    appendFileSync(path, bytes)
    return true
  } catch {
    return false
  }
}

function has(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const isRoot = process.getuid?.() === 0
const canMount =
  isRoot &&
  existsSync('/proc/filesystems') &&
  readFileSync('/proc/filesystems', 'utf8').includes('tmpfs')

async function health({ healthUrl }: Served): Promise<{ status: number; said: string }> {
  const answer = await fetch(healthUrl)
  return { status: answer.status, said: await answer.text() }
}

/** Longer than receipts wait to be written. */
const QUIET_MS = 2_500

const [THERE, AWAY] = [0, 1]

/** One device is connected and answers, one is away; both are sent to. Resolves to the served process and a ledger. */
async function openWorld(disk: Disk, portBase: number, settings: Partial<Settings> = {}) {
  const served = new Served(disk.folder, portBase, settings)
  await served.start()
  await served.openDevice()
  const away = await served.openDevice()
  await away.client.endAsync(true)
  const accepted: string[] = []
  const send = async (at: number, times: number) => {
    const session = served.connect()
    const statuses: number[] = []
    for (let n = 0; n < times; n += 1) {
      const id = crypto.randomUUID()
      const status = await served.send(session, at, id)
      statuses.push(status)
      if (status === 200) accepted.push(id)
    }
    session.destroy()
    return statuses
  }
  return { served, accepted, send, away }
}

type World = Awaited<ReturnType<typeof openWorld>>

async function demandNothingLost({ served, accepted, away }: World): Promise<void> {
  away.client.reconnect()
  const isOver = (id: string) => served.isOver(id)
  await until(() => accepted.every(isOver)).catch(() => {})
  expect(accepted.filter((id) => !isOver(id))).toEqual([])
}

/** From the first refusal on the process says why, and when there is space it goes on by itself. */
async function fillAndFree(disk: Disk, world: World): Promise<void> {
  const { served, send } = world
  expect(await send(AWAY, 20)).toEqual(Array.from({ length: 20 }, () => 200))
  // a disk takes what is written in its place: the limit must not come between a page and its commit
  await wait(QUIET_MS)
  disk.fill(served)
  await until(async () => (await send(AWAY, 5)).includes(503) || undefined, 30_000)
  const full = await health(served)
  expect(full).toMatchObject({ status: 503, said: expect.stringMatching(/free space/) })
  // a device that answers at once need not wait for the disk, and what is refused is refused plainly
  const there = await send(THERE, 20)
  expect(there.filter((status) => status !== 200 && status !== 503)).toEqual([])
}

async function demandWell(world: World): Promise<void> {
  const { served, send } = world
  await until(async () => (await health(served)).status === 200 || undefined, 30_000)
  expect(await send(AWAY, 5)).toEqual([200, 200, 200, 200, 200])
  expect(await send(THERE, 5)).toEqual([200, 200, 200, 200, 200])
}

/** What little room the end of a process leaves may do for the next one; otherwise it says what to do. */
async function startOnFull(served: Served) {
  const child = served.spawn()
  const said = text(child.stderr as Readable)
  const exited = once(child, 'exit').then(async ([code]) => ({ code, said: await said }))
  const serves = until(() => existsSync(join(served.state, 'local.json')) || undefined)
  return Promise.race([exited, serves.then(() => 'serves' as const)])
}

test.skipIf(!has('prlimit', '--version'))(
  'where no write succeeds nothing accepted is lost, and it goes on when one does',
  async () => {
    const disk = limitedDisk()
    const world = await openWorld(disk, 18_420)
    try {
      await fillAndFree(disk, world)
      disk.free(world.served)
      await demandWell(world)
      // what was written before and after is read by the next process
      await world.served.kill()
      await world.served.start()
      await demandNothingLost(world)
    } finally {
      await world.served.close()
      disk.remove()
    }
  },
)

test.skipIf(!canMount)(
  'a disk that is full, a kill, a start that serves or says what to do, and space again',
  async () => {
    const disk = smallDisk()
    const world = await openWorld(disk, 18_430, { durability: 'synced' })
    const { served } = world
    try {
      await fillAndFree(disk, world)
      await served.kill()
      const ended = await startOnFull(served)
      disk.free(served)
      if (ended !== 'serves') {
        expect(ended).toEqual({ code: 4, said: expect.stringMatching(/free space/) })
        await served.start()
      }
      await demandWell(world)
      await demandNothingLost(world)
    } finally {
      await served.close()
      disk.remove()
    }
  },
)
