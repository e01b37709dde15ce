import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bundleFunctions } from '../../bin/bundle.ts'
import { functionNames } from '../../lib/functions.ts'
import { temporaryDirectory } from './app.ts'

const read = (folder: string) => readFileSync(join(folder, 'index.mjs'), 'utf8')
const bundles = bundleFunctions(temporaryDirectory())

describe.each(functionNames)('the bundle of %s', (name) => {
  const text = read(bundles(name))

  test('exports the handler', () => {
    expect(text).toMatch(/export\{[^}]*\bas handler\b[^}]*\}/)
  })

  test('holds all it needs but what Node has itself', () => {
    const imported = [...text.matchAll(/\bfrom"([^"]+)"/g)].map(([, id]) => id ?? '')
    expect(imported.filter((id) => !isBuiltin(id))).toEqual([])
  })

  test('has less than 2 MB, where Lambda takes 250 (Lambda quotas, "Deployment package")', () => {
    expect(Buffer.byteLength(text)).toBeLessThan(2 * 1024 * 1024)
  })

  test('carries no path of this machine', () => {
    expect(text).not.toContain(process.cwd())
  })
})

test('the same sources make the same bundles, wherever they are put', () => {
  const again = bundleFunctions(join(temporaryDirectory(), 'at', 'another', 'depth'))
  for (const name of functionNames) expect(read(again(name))).toBe(read(bundles(name)))
})
