import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { canarySection } from '../../bench/cost/canary.ts'
import { channelsSection } from '../../bench/cost/channels.ts'
import { slotsSection } from '../../bench/cost/slots.ts'
import { topicsSection } from '../../bench/cost/topics.ts'

const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8')

test.each([
  ['topics', topicsSection],
  ['more than one slot', slotsSection],
  ['channels', channelsSection],
  ['the canary', canarySection],
])('docs/cost.md has the section about %s as it comes out of the prices', (_name, section) => {
  expect(page).toContain(section())
})
