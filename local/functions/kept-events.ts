import { rm } from 'node:fs/promises'
import { isJsonObject } from '../assembly/json.ts'
import { readJsonFile, writeJsonFile } from '../persist.ts'
import type { AsyncEvent } from './async-invocations.ts'
import type { FunctionHost } from './function-host.ts'

/** Takes up the asynchronous events that an orderly stop left; the file is gone once they are. */
export async function restoreEvents(functions: FunctionHost, file: string): Promise<void> {
  const events = await readJsonFile(file, parseEvents)
  functions.restore(events ?? [])
  await rm(file, { force: true })
}

/** Stops all functions and keeps the asynchronous events that `drainMs` did not suffice for. */
export async function stopFunctions(
  functions: FunctionHost,
  file: string,
  drainMs: number,
): Promise<void> {
  const left = await functions.close(drainMs)
  if (left.length > 0) await writeJsonFile(file, left)
}

function parseEvents(value: unknown): AsyncEvent[] {
  if (!Array.isArray(value)) throw new Error('it is no list')
  for (const event of value) {
    const complete = isJsonObject(event) && typeof event.functionName === 'string'
    if (!complete || typeof event.payload !== 'string') throw new Error('an event is incomplete')
  }
  return value as AsyncEvent[]
}
