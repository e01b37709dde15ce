import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { makeProgram, processTerminal } from 'heliograph'
import { describe, expect, test } from 'vitest'
import { stageOf } from '../../bin/stages.ts'
import { operationsOf } from '../../tools/dashboard/body.ts'
import { prodContext, prodTarget, resourcesOf, templatesOf } from '../infra/app.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && !/(^|\/)(node_modules|dist)\//.test(name))
    .map((name) => join(folder, name))
}

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...filesBelow('docs', '.md'),
  ...filesBelow('packages', '.md'),
  'lib/README.md',
]
const scripts = [...filesBelow('.github', '.yml'), ...filesBelow('.ci', 'run')]
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** What a page sets in code, as one line each: inline code, and the lines of blocks. */
function codeOf(file: string): string[] {
  const blocks = [...read(file).matchAll(/^```.*\n([\s\S]*?)^```/gm)]
  const lines = blocks.flatMap(([, block = '']) => block.replace(/\\\n/g, ' ').split('\n'))
  const prose = read(file).replace(/^```[\s\S]*?^```/gm, '')
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replace(/\s+/g, ' '))
  return [...lines, ...inline]
}

test('there are pages to look at', () => expect(pages.length).toBeGreaterThan(15))

describe.each(pages)('%s', (file) => {
  test('links to what is there', () => {
    expect(linksOf(file).filter((link) => !leadsSomewhere(file, link))).toEqual([])
  })

  test('names npm scripts that there are', () => {
    expect(unknownScripts(codeOf(file).join('\n'))).toEqual([])
  })

  test('names commands and options that heliograph has', () => {
    expect(codeOf(file).flatMap(commandsIn).flatMap(troubleWith)).toEqual([])
  })

  test('names files that there are', () => {
    const named = codeOf(file).flatMap((code) => code.match(repositoryPath) ?? [])
    const paths = named.map((path) => path.replace(/[.:]$/, ''))
    const isThere = (path: string) => ['', '.ts'].some((end) => existsSync(join(root, path + end)))
    expect(paths.filter((path) => !isThere(path))).toEqual([])
  })

  test('names settings that are read somewhere', () => {
    const names = codeOf(file).flatMap((code) => code.match(/\bHELIOGRAPH_[A-Z_]+/g) ?? [])
    expect(names.filter((name) => !sources().includes(name))).toEqual([])
  })

  test('names alarms, settings and tables that there are', () => {
    const names = codeOf(file).flatMap((code) => code.match(ownName) ?? [])
    expect(names.filter((name) => !foreign.has(name) && !sources().includes(name))).toEqual([])
  })

  test('names context that the app reads', () => {
    const names = codeOf(file).flatMap((code) =>
      [...code.matchAll(/ -c (\w+)=/g)].map(([, name]) => name ?? ''),
    )
    expect(names.filter((name) => !contextNames().has(name))).toEqual([])
  })
})

test.each(scripts)('%s names npm scripts that there are', (file) => {
  expect(unknownScripts(read(file))).toEqual([])
})

describe('the runbook', () => {
  test('speaks of graphs and lines that the dashboard has', () => {
    const resources = Object.fromEntries(resourcesOf([templatesOf().operations]))
    const { widgets } = operationsOf(resources, {})
    const lines = widgets.flatMap((widget) => (widget.kind === 'graph' ? widget.lines : []))
    const known = [...widgets.map(({ title }) => title), ...lines.map(({ label }) => label)]
    const prose = read('docs/runbook.md').replace(/`[^`]*`/g, '')
    const named = [...prose.matchAll(/(?<!\*)\*([^*\n]+)\*(?!\*)/g)]
    expect(named.length).toBeGreaterThan(5)
    const titles = named.map(([, title = '']) => title)
    expect(titles.filter((title) => !known.some((each) => each.startsWith(title)))).toEqual([])
  })
})

/** A name of our own style alone in code: `few-delivered`, `deliverConcurrency`, `TOKEN_KEYS_TABLE`. */
const ownName = /^(?:[a-z]+(?:-[a-z]+)+|[a-z]+(?:[A-Z][a-z]+)+|[A-Z]+(?:_[A-Z]+)+)$/

/** Names of AWS, libraries and tools, which do not occur in the sources. */
const foreign: ReadonlySet<string> = new Set([
  'CURLOPT_CONNECT_TO',
  'ROLLBACK_COMPLETE',
  'curlOptions',
  'erasableSyntaxOnly',
  'ownershipVerificationCertificateArn',
  'sequenceDiagram',
])

const repositoryPath =
  /(?<![\w./~$-])(?:packages|tools|lambdas|lib|test|bench|docs|bin|examples)\/[\w./-]*[\w/]/g

function linksOf(file: string): string[] {
  const prose = read(file).replace(/^```[\s\S]*?^```/gm, '')
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links.filter((link) => !/^[a-z]+:/.test(link))
}

function leadsSomewhere(file: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? file : relative(root, resolve(root, dirname(file), path))
  if (!existsSync(join(root, target))) return false
  return anchor === undefined || anchorsOf(target).includes(anchor)
}

/** As GitHub makes them of headings: one that comes again has a number. */
function anchorsOf(file: string): string[] {
  const seen = new Map<string, number>()
  return [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/ /g, '-')
    const before = seen.get(anchor) ?? 0
    seen.set(anchor, before + 1)
    return before === 0 ? anchor : `${anchor}-${before}`
  })
}

function unknownScripts(text: string): string[] {
  const known = JSON.parse(read('package.json')).scripts as Record<string, string>
  const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
  return named.filter((name) => !(name in known))
}

/** The words of each `heliograph …` in a line of code. */
function commandsIn(code: string): string[][] {
  return code
    .split(/&& |\| |; /)
    .flatMap((part) => /(?:^|\$ |npx )heliograph (.+)$/.exec(part)?.[1] ?? [])
    .map((line) => line.replace(/ #.*$/, '').split(' '))
}

const program = makeProgram(processTerminal(), () => {})

/** What the command line does not know of these words; arguments are not looked at. */
function troubleWith(words: readonly string[]): string[] {
  const chain: Command[] = [program]
  const named = words.filter((word) => /^[a-z]+$/.test(word))
  for (const word of named) {
    const [current] = chain
    if (!current || current.commands.length === 0) break
    const next = current.commands.find((each) => each.name() === word)
    if (next) chain.unshift(next)
    else if (!isValue(word, words)) return [words.join(' ')]
  }
  const flags = words.filter((word) => /^--[a-z][a-z-]*$/.test(word))
  const known = chain.flatMap(({ options }) => options.map(({ long }) => long))
  const unknown = flags.filter((flag) => ![...known, '--help'].includes(flag))
  return unknown.map((flag) => `${words.join(' ')}: ${flag}`)
}

/** Whether a word follows an option, as `aws` in `--target aws`. */
function isValue(word: string, words: readonly string[]): boolean {
  return words[words.indexOf(word) - 1]?.startsWith('--') ?? false
}

let allSources: string | undefined

function sources(): string {
  allSources ??= readSources()
  return allSources
}

function readSources(): string {
  const folders = ['packages', 'tools', 'lib', 'bin', 'lambdas', 'test', 'bench', 'examples']
  const files = folders.flatMap((folder) => [
    ...filesBelow(folder, '.ts'),
    ...filesBelow(folder, '.mjs'),
  ])
  const self = relative(root, fileURLToPath(import.meta.url))
  return files
    .filter((file) => file !== self)
    .map(read)
    .join('\n')
}

function contextNames(): ReadonlySet<string> {
  const asked = new Set(['nag'])
  const context = (name: string) => {
    asked.add(name)
    return (prodContext as Readonly<Record<string, string>>)[name]
  }
  stageOf(context, prodTarget)
  return asked
}
