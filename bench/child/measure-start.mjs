/**
 * Loads a function's bundle as a cold start does and runs it once. Arguments: the bundle and a JSON
 * file of events; without events only the import is measured.
 */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [bundle, eventsFile] = process.argv.slice(2)
const event = eventsFile ? JSON.parse(readFileSync(eventsFile, 'utf8'))[0] : undefined
const cpu = process.cpuUsage()
const started = performance.now()
const { handler } = await import(pathToFileURL(bundle).href)
const importMs = performance.now() - started
const importCpu = process.cpuUsage(cpu)
const called = performance.now()
const answer = event === undefined ? undefined : await handler(event, {})
const callMs = performance.now() - called
process.send({
  importMs,
  importCpuMs: (importCpu.user + importCpu.system) / 1000,
  callMs,
  residentMegabytes: process.memoryUsage.rss() / 1048576,
  answer,
})
process.disconnect()
