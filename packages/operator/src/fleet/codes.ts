import type { Deployment } from '../deployment.ts'
import { Failure } from '../failure.ts'
import { inviteDevices } from '../operations/invite.ts'

/** Gives each device its activation code. */
export type NextCode = () => Promise<string>

/**
 * The codes of a file, one a line, as `device invite --count N` prints them; a single one is for every device,
 * which it can be where the service says so.
 */
export function codesFrom(text: string, path: string, needed: number): NextCode {
  const codes = text.split(/\r?\n/).filter((line) => line !== '')
  const [first] = codes
  if (first === undefined) throw new Failure('usage', `${path} has no activation code`)
  if (codes.length > 1 && codes.length < needed)
    throw new Failure(
      'usage',
      `${path} has ${codes.length} activation codes, and ${needed} devices need one: nothing was done`,
    )
  const rest = codes.length === 1 ? undefined : codes[Symbol.iterator]()
  return async () => rest?.next().value ?? first
}

/** Codes are made as they are needed: those of a fleet that is interrupted would lie about. */
const AT_ONCE = 50
const CODE_SECONDS = 3600

/** Codes that the operator's own rights make. */
export function codesMadeBy(deployment: () => Promise<Deployment>, needed: number): NextCode {
  let left = needed
  let made: Promise<string[]> = Promise.resolve([])
  const make = async (): Promise<string[]> => {
    const count = Math.max(1, Math.min(AT_ONCE, left))
    left -= count
    const codes = await inviteDevices(await deployment(), { count, ttlSeconds: CODE_SECONDS })
    return codes.map(({ code }) => code)
  }
  return async () => {
    made = made.then((codes) => (codes.length > 0 ? codes : make()))
    const code = (await made).shift()
    if (code === undefined) throw new Error('no activation code was made')
    return code
  }
}
