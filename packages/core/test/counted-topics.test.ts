import { describe, expect, test } from 'vitest'
import { countedAs, parseCountedTopics } from '../src/stats/counted-topics.ts'

describe('a topic is counted', () => {
  test('as itself where the stage names it, and with all others where not', () => {
    const counted = countedAs(['com.example.a', 'com.example.b'])
    expect(counted('com.example.b')).toBe('com.example.b')
    for (const other of ['com.example.c', 'COM.EXAMPLE.A', 'constructor', ''])
      expect(counted(other)).toBe('other')
  })

  test('as nothing where the stage names none', () =>
    expect(countedAs([])('com.example.a')).toBeUndefined())
})

describe('the variable of a function', () => {
  test('is a list of topics', () => expect(parseCountedTopics('["a"]')).toEqual(['a']))

  test.each(['{}', '[1]', 'null', '"a"'])('is not %s', (text) =>
    expect(() => parseCountedTopics(text)).toThrow('malformed'),
  )
})
