/**
 * Runs a function's bundle as one execution environment does, one invocation after the other, and
 * tells what that cost this process. Arguments: the bundle, a JSON file of events, how many
 * invocations to warm up with and how many to measure. In place of events the file may hold one
 * `template` and the `paths` to fill in, for more devices than there is room for events.
 */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [bundle, eventsFile, warmUp, count] = process.argv.slice(2)
const events = JSON.parse(readFileSync(eventsFile, 'utf8'))
const eventOf = Array.isArray(events)
  ? (n) => events[n % events.length]
  : (n) => ({ ...events.template, rawPath: events.paths[n % events.paths.length] })
let next = 0
const { handler } = await import(pathToFileURL(bundle).href)

async function run(times) {
  let answer
  for (let n = 0; n < times; n += 1) answer = await handler(eventOf(next++), {})
  return answer
}

const answer = await run(Number(warmUp))
globalThis.gc?.()
const cpu = process.cpuUsage()
const started = performance.now()
await run(Number(count))
const wallMs = performance.now() - started
const { user, system } = process.cpuUsage(cpu)
const residentMegabytes = process.memoryUsage.rss() / 1048576
const invocations = Number(count)
process.send({ cpuMicroseconds: user + system, wallMs, invocations, residentMegabytes, answer })
process.disconnect()
