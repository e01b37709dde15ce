import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { environmentOn } from '../src/store/environment.ts'

/** Rejects as lmdb does: with a promise of the reason. */
function failing(reason: string): Parameters<typeof environmentOn>[0] {
  const cause = Promise.reject(new Error(reason))
  cause.catch(() => {})
  const commit = Object.assign(new Error('Commit failed (see commitError for details)'), {
    commitError: cause,
  })
  const never = () => {
    throw new Error('not asked for')
  }
  return {
    openDB: never,
    backup: never,
    transaction: () => Promise.reject(commit),
    close: async () => {},
  }
}

const isBroken = (broken: Promise<unknown>) =>
  Promise.race([broken.then(() => true), wait(0, false)])

test('a write that a full disk refuses says so, and the database goes on', async () => {
  const environment = environmentOn(failing('No space left on device'), '/state')
  await expect(environment.change(() => 1)).rejects.toThrow(/free space on it/)
  expect(await isBroken(environment.broken)).toBe(false)
})

test('a database that takes no more writes says what to do', async () => {
  const reason = 'MDB_PANIC: Update of meta page failed or environment had fatal error'
  const environment = environmentOn(failing(reason), '/state')
  const sentence = /takes no more writes .* free space on its disk, and start the service again/
  await expect(environment.change(() => 1)).rejects.toThrow(sentence)
  expect(await environment.broken).toMatchObject({ message: expect.stringMatching(sentence) })
})
