import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { leftOut } from './adapt.ts'
import { localstackImage } from './localstack.ts'
import { ministackVersion } from './ministack.ts'
import { filesLeftOut, testsLeftOut } from './skips.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')
const page = read('docs', 'localstack.md')

describe('what is left out on an emulator', () => {
  test.each(Object.entries(filesLeftOut))('%s is there, and on the page', (file, reason) => {
    expect(existsSync(join(root, file))).toBe(true)
    expect(page).toContain(`\`${basename(file)}\` | ${reason}`)
  })

  test.each(Object.entries(testsLeftOut))('“%s” is there, and on the page', (name, reason) => {
    expect(read('test', 'e2e', 'delivery.test.ts')).toContain(name)
    expect(page).toContain(`“${name}” | ${reason}`)
  })

  test.each(Object.entries(leftOut))('%s is on the page', (type, reason) => {
    expect(page).toContain(`\`${type}\` | ${reason}`)
  })
})

describe('versions', () => {
  test('MiniStack is pinned exactly, with hashes for every package', () => {
    expect(ministackVersion()).toBe('1.4.21')
    const pins = read('test', 'localstack', 'ministack.txt').replaceAll('\\\n', ' ')
    for (const line of pins.split('\n').filter((text) => text && !text.startsWith('#')))
      expect(line).toMatch(/^[a-z0-9]+==[0-9.]+ ( *--hash=sha256:[0-9a-f]{64} *)+$/)
  })

  test('LocalStack is the same here and in docker-compose.yml', () => {
    expect(read('docker-compose.yml')).toContain(`image: ${localstackImage}\n`)
  })

  test('the page names both', () => {
    expect(page).toContain(`MiniStack ${ministackVersion()}`)
    expect(page).toContain(localstackImage)
  })
})
