import { expect, test } from 'vitest'
import { stageOf } from '../../bin/stages.ts'
import { stageDefaults } from '../../lib/stage.ts'
import { checkStage } from '../../lib/stage-rules.ts'

const staged = (pending: string) =>
  stageOf((name) => (name === 'pending' ? pending : undefined), {})

test('-c pending says how many of which topic wait', () => {
  expect(staged('com.example.mail=20,com.example.app=newest').pending).toEqual({
    'com.example.mail': { perCollapseId: 20 },
    'com.example.app': 'newest',
  })
  expect(stageDefaults.pending).toEqual({})
})

test.each([
  'com.example.mail=0',
  'com.example.mail=101',
  'com.example.mail',
  'com.example.mail=1.5',
])('-c pending=%s is refused', (pending) => {
  expect(() => staged(pending)).toThrow(`cannot have pending "${pending}"`)
})

test.each([
  [{ 'no topic': 'newest' }, 'pending names "no topic", which is not a bundle id'],
  [{ 'com.example.app': { perCollapseId: 101 } }, 'with n from 1 to 100'],
  [
    Object.fromEntries(Array.from({ length: 99 }, (_, n) => [`com.example.app${n}`, 'newest'])),
    'pending names 99 topics, more than fit',
  ],
])('a stage with %j is refused', (pending, problem) => {
  const stage = { ...staged(''), pending } as Parameters<typeof checkStage>[0]
  expect(() => checkStage(stage)).toThrow(problem)
})
