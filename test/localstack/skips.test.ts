import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { leftOut } from '../../tools/emulators/adapt.ts'
import { localstackImage } from '../../tools/emulators/localstack.ts'
import { ministackVersion } from '../../tools/emulators/ministack.ts'
import { filesLeftOut, testsLeftOut } from '../../tools/emulators/skips.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')
const endToEnd = readdirSync(join(root, 'test', 'e2e'))
const page = read('docs', 'localstack.md')

describe('what is left out on an emulator', () => {
  test.each(Object.entries(filesLeftOut))('%s is there, and on the page', (file, reason) => {
    expect(existsSync(join(root, file))).toBe(true)
    expect(page).toContain(`\`${basename(file)}\` | ${reason}`)
  })

  test.each(Object.entries(testsLeftOut))('“%s” is there, and on the page', (name, reason) => {
    expect(endToEnd.some((file) => read('test', 'e2e', file).includes(name))).toBe(true)
    expect(page).toContain(`“${name}” | ${reason}`)
  })

  test.each(Object.entries(leftOut))('%s is on the page', (type, reason) => {
    expect(page).toContain(`\`${type}\` | ${reason}`)
  })
})

describe('versions', () => {
  test('MiniStack is pinned exactly, with hashes for every package', () => {
    expect(ministackVersion()).toBe('1.5.33')
    const pins = read('tools', 'emulators', 'ministack.txt').replaceAll('\\\n', ' ')
    for (const line of pins.split('\n').filter((text) => text && !text.startsWith('#')))
      expect(line).toMatch(/^[a-z0-9-]+==[0-9a-z.]+ ( *--hash=sha256:[0-9a-f]{64} *)+$/)
  })

  test('LocalStack is the same here and in docker-compose.yml', () => {
    expect(read('docker-compose.yml')).toContain(`image: ${localstackImage}\n`)
  })

  test('the page names both', () => {
    expect(page).toContain(`MiniStack ${ministackVersion()}`)
    expect(page).toContain(localstackImage)
  })
})
