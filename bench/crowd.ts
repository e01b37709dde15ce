import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { CrowdCount, CrowdReady } from './child/crowd.ts'
import { type ServiceProcess, startMachineProcess } from './cloud-process.ts'
import { round } from './figures.ts'
import { inParallel } from './fleet.ts'
import { usageOf } from './process-usage.ts'
import { openProvider, send } from './provider.ts'
import type { Row } from './report.ts'

/** More devices than this in one process of clients would make that process the limit. */
const PER_CHILD = 2_500
/** They bring in what a server loads once after its start: code and pools. */
const FIRST = 500
/** By then the memory of the handshakes has been freed, and whoever would be dropped has been. */
const REST_MS = 10_000
const SENDS = 1_000

/**
 * So many devices connected to one machine: what each takes of the server's memory, and whether all stay and hear. The
 * clients are in processes of their own, so that the server's memory holds nothing else.
 */
export async function benchCrowd(
  options: { readonly connections: number; readonly portBase: number; readonly durability: string },
  say: (line: string) => void,
): Promise<Row[]> {
  const machine = await startMachineProcess(options.portBase, options.durability)
  const children: ChildProcess[] = []
  try {
    const first = await grow(machine, children, FIRST, say)
    const started = performance.now()
    const rest = await grow(machine, children, options.connections - FIRST, say)
    const seconds = (performance.now() - started) / 1000
    const tokens = [...first.tokens, ...rest.tokens]
    const refused = await sendTo(machine, tokens)
    const counts = await Promise.all(children.map(countOf))
    const sum = (name: keyof CrowdCount) => counts.reduce((all, one) => all + one[name], 0)
    const each = (from: number, to: number) =>
      round(((to - from) * 1024) / (options.connections - FIRST))
    return [
      {
        what: `${options.connections} devices connected to one machine`,
        figures: {
          'kB RSS each': each(first.megabytes, rest.megabytes),
          'kB each without pages of files': each(first.own, rest.own),
          'MB RSS': round(rest.megabytes, 0),
          [`MB RSS with ${FIRST}`]: round(first.megabytes, 0),
          'activated, connected and registered per second': round(rest.tokens.length / seconds, 0),
          disconnected: tokens.length - sum('connected'),
          refused,
          // one whose acknowledgement was late comes twice
          'not heard': Math.max(0, SENDS - refused - sum('heard')),
        },
      },
    ]
  } finally {
    for (const child of children) if (child.connected) child.disconnect()
    await machine.stop()
  }
}

async function grow(
  machine: ServiceProcess,
  children: ChildProcess[],
  count: number,
  say: (line: string) => void,
): Promise<CrowdReady & { readonly megabytes: number; readonly own: number }> {
  const tokens: string[] = []
  for (let left = count; left > 0; left -= PER_CHILD) {
    const { child, ready } = start(machine, Math.min(left, PER_CHILD))
    children.push(child)
    tokens.push(...(await ready).tokens)
    say(`${tokens.length} of ${count} devices connected`)
  }
  await wait(REST_MS)
  const { residentMegabytes, ownMegabytes } = usageOf(machine.pid)
  return { tokens, megabytes: residentMegabytes, own: ownMegabytes }
}

function start({ state }: ServiceProcess, count: number) {
  const script = fileURLToPath(new URL('./child/crowd.ts', import.meta.url))
  const execArgv = ['--conditions=heliograph', '--import', 'tsx']
  const child = fork(script, [join(state, 'local.json'), String(count)], { execArgv })
  const ready = new Promise<CrowdReady>((resolve, reject) => {
    child.once('message', (message) => resolve(message as CrowdReady))
    child.once('exit', (code) => reject(new Error(`a crowd of devices ended with ${code}`)))
  })
  return { child, ready }
}

/** Sends to devices from all over; returns how many were not accepted. */
async function sendTo({ local }: ServiceProcess, tokens: readonly string[]): Promise<number> {
  const session = openProvider(local)
  const { topic } = local.provider
  const statuses = await inParallel(SENDS, 32, (n) => {
    const token = tokens[Math.floor((n / SENDS) * tokens.length)]
    return send(session, { path: `/3/device/${token}`, topic, alert: `crowd ${n}` })
  })
  session.close()
  await wait(2_000)
  return statuses.filter((status) => status !== 200).length
}

function countOf(child: ChildProcess): Promise<CrowdCount> {
  return new Promise((resolve) => {
    child.once('message', (message) => resolve(message as CrowdCount))
    child.send('count')
  })
}
