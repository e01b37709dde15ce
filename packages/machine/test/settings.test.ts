import { describe, expect, test } from 'vitest'
import { settingsOf } from '../src/settings.ts'

describe('what waits for a device that is offline', () => {
  test('is the newest of a topic, or the newest of each collapse id up to a number', () => {
    const pending = { 'com.example.mail': { perCollapseId: 20 }, 'com.example.app': 'newest' }
    expect(settingsOf({ pending }, 'the file').pending).toEqual(pending)
    expect(settingsOf({}, 'the file').pending).toEqual({})
  })

  test.each([
    [[], 'pending is an object with a rule for each topic that differs'],
    [{ 'no topic': 'newest' }, 'pending names "no topic", which is not a bundle id'],
    [{ 'com.example.app': 'oldest' }, 'pending of com.example.app is "newest", or {"perCollapse'],
    [{ 'com.example.app': { perCollapseId: 0 } }, 'with n from 1 to 100'],
    [{ 'com.example.app': { perCollapseId: 101 } }, 'with n from 1 to 100'],
    [{ 'com.example.app': 20 }, 'with n from 1 to 100'],
  ])('%j is refused', (pending, problem) => {
    expect(() => settingsOf({ pending }, 'the file')).toThrow(problem)
  })
})
