import { rejections } from '@heliograph/protocol/rejection'
import { expect, test } from 'vitest'
import { explainAnswer } from '../src/operations/explain.ts'

test.each(Object.entries(rejections))('%s is explained, with what to do', (reason, kind) => {
  const { meaning, advice, ...advised } = explainAnswer(kind.status, reason)
  expect(advised).toEqual({ retry: kind.retry, blame: kind.blame })
  expect(meaning).toMatch(/^[A-Z].+\.$/)
  expect(advice).toMatch(/^[A-Z].+\.$/)
})

test('what was accepted names its receipt', () => {
  expect(explainAnswer(200).advice).toContain('notification show')
})

test.each([undefined, 'Shutdown', 'toString'])(
  'an answer of somebody else, %s, is not ours',
  (reason) => {
    expect(explainAnswer(502, reason).meaning).toContain('502')
  },
)
