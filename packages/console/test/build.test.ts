import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildConsole, type ConsoleFile } from '../build/build.ts'

const MOST_BYTES = 150_000

let files: readonly ConsoleFile[]

beforeAll(async () => {
  files = await buildConsole()
})

describe('the built page', () => {
  test('has the files that it names', () => {
    const names = files.map(({ name }) => name)
    expect(names).toContain('index.html')
    const asked = [...textOf('index.html').matchAll(/(?:href|src)="\/([^"]+)"/g)]
    expect(asked.length).toBeGreaterThan(2)
    for (const [, name] of asked) expect(names).toContain(name)
  })

  test(`is at most ${MOST_BYTES} bytes, compressed`, () => {
    const sizes = files.map(({ name, bytes }) => ({ name, size: gzipSync(bytes).length }))
    const total = sizes.reduce((sum, { size }) => sum + size, 0)
    expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(MOST_BYTES)
    expect(total).toBeGreaterThan(10_000)
  })

  test('has neither inline scripts nor inline styles', () => {
    const page = textOf('index.html')
    expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=/)
    for (const [, body] of page.matchAll(/<script[^>]*>([^<]*)<\/script>/g)) expect(body).toBe('')
  })

  test('asks nothing of other hosts', () => {
    const code = textOf('console.js') + textOf('console.css') + textOf('index.html')
    const hosts = [...code.matchAll(/https?:\/\/[^/"'`) ]+/g)].map(([url]) => url)
    // a namespace of XML, and the example in requests that have no deployment yet
    expect(new Set(hosts)).toEqual(new Set(['http://www.w3.org', 'https://push.example.com']))
  })
})

function textOf(name: string): string {
  const file = files.find((one) => one.name === name)
  return new TextDecoder().decode(file?.bytes)
}

describe('the sources', () => {
  const folder = fileURLToPath(new URL('../src', import.meta.url))
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => ({ name, text: readFileSync(`${folder}/${name}`, 'utf8') }))

  test('make no markup of text', () => {
    const ways =
      /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\(|new Function|srcdoc/i
    expect(sources.length).toBeGreaterThan(50)
    expect(sources.filter(({ text }) => ways.test(text)).map(({ name }) => name)).toEqual([])
  })

  test('have no links whose scheme somebody else chooses', () => {
    const links = sources.flatMap(({ text }) =>
      [...text.matchAll(/href=\{([^}]*)\}?/g)].map(([, target = '']) => target),
    )
    const own = /^(addressOf\(|to\b|`\/|`\?)/
    expect(links.length).toBeGreaterThan(5)
    expect(links.filter((target) => !own.test(target))).toEqual([])
  })
})
