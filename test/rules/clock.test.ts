import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { onAnotherClock } from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const replacesTheClock = /\bvi\.useFakeTimers\(/

function testFiles(): string[] {
  const folders = ['test', ...readdirSync(`${root}packages`).map((name) => `packages/${name}/test`)]
  return folders.flatMap((folder) => {
    const names = readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    return names.filter((name) => name.endsWith('.test.ts')).map((name) => `${folder}/${name}`)
  })
}

test('a file that replaces the clock shares its worker with no other', () => {
  const found = testFiles().filter((file) =>
    replacesTheClock.test(readFileSync(root + file, 'utf8')),
  )
  expect(found.sort()).toEqual(onAnotherClock)
})
