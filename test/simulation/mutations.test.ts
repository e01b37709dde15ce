import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { mutations } from '../../tools/simulate/mutations/list.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

// whether the simulation catches them takes minutes: mutations.long.ts
test.each(mutations)('$name changes one place of the source', ({ file, find, replace }) => {
  expect(readFileSync(root + file, 'utf8').split(find)).toHaveLength(2)
  expect(replace).not.toBe(find)
})
