import { rm } from 'node:fs/promises'
import { bundle } from '../bundle.ts'
import type { Certificates } from '../certificates.ts'
import type { RunReport } from '../run.ts'
import type { Mutation } from './mutation.ts'

/** Enough for every bug of the list. */
const NOTIFICATIONS = 100

/** The first of these seeds that shows the bug, or undefined where none does. */
export async function catchMutation(
  mutation: Mutation,
  first: number,
  last: number,
  certificates: Certificates,
): Promise<RunReport | undefined> {
  const path = await bundle('run', mutation)
  try {
    const { run }: typeof import('../run.ts') = await import(path)
    for (let seed = first; seed <= last; seed += 1) {
      const report = await run({ seed, notifications: NOTIFICATIONS }, certificates)
      if (report.violations.length > 0) return report
    }
    return undefined
  } finally {
    await rm(path, { force: true })
  }
}
