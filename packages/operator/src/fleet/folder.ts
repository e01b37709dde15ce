import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockFile } from '../campaign/lock.ts'
import { Failure } from '../failure.ts'
import { draftPrivate, reasonOf, writePrivate } from '../files.ts'
import type { Member } from './member.ts'

/** Where a fleet is kept, so that the same devices come back. */
export interface FleetFolder {
  readonly path: string
  /** The state of one device. */
  deviceAt(number: number): string
  /** Writes the tokens of each topic, one a line, in the order of the devices; returns the files. */
  writeTokens(
    topics: readonly string[],
    members: readonly Pick<Member, 'tokens'>[],
  ): Promise<string[]>
  close(): Promise<void>
}

/** @throws Failure if another process has it, or if its devices belong to another service. */
export async function openFolder(path: string, activationUrl: string): Promise<FleetFolder> {
  const file = join(path, 'fleet.json')
  const known = await readFleet(file)
  if (known !== undefined && known !== activationUrl)
    throw new Failure(
      'refused',
      `the devices in ${path} were activated at ${known}, not at ${activationUrl}: name another folder with --fleet`,
    )
  if (known === undefined) await begin(file, activationUrl)
  const unlock = await lockFile(join(path, 'fleet'))
  return {
    path,
    deviceAt: (number) => join(path, 'devices', String(number).padStart(5, '0')),
    writeTokens: (topics, members) =>
      Promise.all(
        topics.map(async (topic) => {
          const to = join(path, `${topic}.tokens`)
          const tokens = members.flatMap(({ tokens }) => tokens.get(topic) ?? [])
          await writePrivate(to, tokens.map((token) => `${token}\n`).join(''))
          return to
        }),
      ),
    close: unlock,
  }
}

/** Where the devices of a folder were activated; undefined if it has none. */
async function readFleet(file: string): Promise<string | undefined> {
  try {
    const { activation } = JSON.parse(await readFile(file, 'utf8')) as { activation?: unknown }
    if (typeof activation === 'string') return activation
  } catch (fault) {
    if ((fault as { readonly code?: unknown }).code === 'ENOENT') return undefined
    if (!(fault instanceof SyntaxError) && !(fault instanceof TypeError))
      throw new Failure('failed', `${file} cannot be read: ${reasonOf(fault)}`, { cause: fault })
  }
  throw new Failure('failed', `${file} is damaged: name another folder with --fleet`)
}

async function begin(file: string, activation: string): Promise<void> {
  const draft = await draftPrivate(file, `${JSON.stringify({ version: 1, activation })}\n`, false)
  await draft.keep()
}
