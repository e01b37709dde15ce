import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'
import { startTarget } from './support.ts'
import type { Target } from './target.ts'

/**
 * `sharing.beforeAll(({ target }) => …)` gets a target that the files of a worker use one after the other, as those do that
 * are run on a deployment: for a file whose devices are its own and which counts nothing of what others did. It
 * is closed with the worker; `startTarget` opens one for a file alone.
 */
export const sharing = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('everyones', { scope: 'worker' }, async ({}, { onCleanup }) => {
    const target = await startTarget()
    onCleanup(() => target.close())
    return target
  })
  .extend('target', { scope: 'file' }, ({ everyones }) => lend(everyones))

/**
 * With a state folder for the file, and no log lines yet. On one machine the command reaches the service through
 * the folder that it has.
 */
function lend(target: Target): Target {
  target.logs.length = 0
  const { state } = target
  return {
    ...target,
    state: target.kind === 'machine' ? state : mkdtempSync(join(state, 'file-')),
    restart: refuse,
    close: refuse,
  }
}

async function refuse(): Promise<never> {
  throw new Error('this target is shared with other files: start one with startTarget')
}
