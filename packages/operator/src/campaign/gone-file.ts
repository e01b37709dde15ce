import { createReadStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { parseDeviceToken } from '@heliograph/protocol/identifiers'
import { draftPrivate, refuseExisting } from '../files.ts'
import type { Journal } from './journal.ts'

/**
 * Writes the dead and bad tokens of the whole campaign so far, one JSON object a line, in the shape of the feedback
 * (docs/cli.md). What the file held before is replaced.
 */
export async function writeGone(path: string, journal: Journal): Promise<void> {
  async function* lines() {
    for await (const [token, reason, timestamp] of journal.gone())
      yield `${JSON.stringify({ token, reason, timestamp })}\n`
  }
  const draft = await draftPrivate(path, lines(), true)
  await draft.keep()
}

/** A resumed campaign continues its list, but must not replace any other file. */
export async function refuseForeignList(path: string, isResumed: boolean): Promise<void> {
  if (isResumed && (await isList(path))) return
  refuseExisting([path], 'choose another --dead-tokens, or remove it')
}

/** More than the first line of a list takes. */
const FIRST_BYTES = 1_024

/** Whether a file begins as a list, or is empty because no token was dead. */
async function isList(path: string): Promise<boolean> {
  try {
    const stats = await lstat(path)
    if (!stats.isFile() || stats.size === 0) return stats.isFile()
    const pieces = await createReadStream(path, { end: FIRST_BYTES - 1 }).toArray()
    const [line = ''] = Buffer.concat(pieces).toString('utf8').split('\n')
    const { token, reason, timestamp } = JSON.parse(line) as Record<string, unknown>
    return [parseDeviceToken(token), reason, timestamp].every(Boolean)
  } catch {
    return false
  }
}
