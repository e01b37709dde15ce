import { expect, test } from 'vitest'
import {
  anyObject,
  boolean,
  closed,
  constant,
  integer,
  list,
  oneOf,
  open,
  text,
} from '../src/shape.ts'

test('a closed object allows no other field, an open one does', () => {
  const fields = { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } }
  expect(closed({ a: integer }).schema).toEqual({ ...fields, additionalProperties: false })
  expect(open({ a: integer }).schema).toEqual(fields)
})

test('an optional field is not required', () => {
  expect(open({ a: integer }, { b: text({ maxLength: 3 }) }).schema).toEqual({
    type: 'object',
    required: ['a'],
    properties: { a: { type: 'integer' }, b: { type: 'string', maxLength: 3 } },
  })
  expect(closed({}, { b: integer }).schema).toEqual({
    type: 'object',
    required: [],
    properties: { b: { type: 'integer' } },
    additionalProperties: false,
  })
})

test('lists, choices and constants', () => {
  expect(list(oneOf(['x', 'y']), { maxItems: 2 }).schema).toEqual({
    type: 'array',
    maxItems: 2,
    items: { enum: ['x', 'y'] },
  })
  expect(constant(true).schema).toEqual({ const: true })
})

test('numbers, truth and objects of any shape are called as JSON Schema calls them', () => {
  expect([integer, boolean, anyObject].map(({ schema }) => schema)).toEqual([
    { type: 'integer' },
    { type: 'boolean' },
    { type: 'object' },
  ])
  expect(text().schema).toEqual({ type: 'string' })
})
