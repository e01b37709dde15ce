import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What is read of the report that Stryker writes (mutation-testing-report-schema). */
interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { status: string }[] }>>
  /** The test files that ran. */
  readonly testFiles?: Readonly<Record<string, unknown>>
}

interface Score {
  noticed: number
  all: number
}

export function reportOf(name: string): string {
  return `.stryker/${name}.json`
}

const noticed = ['Killed', 'Timeout']
const counted = [...noticed, 'Survived', 'NoCoverage']

/** Prints the score of each folder of these packages, and of all of them. */
export function printScores(names: readonly string[]): void {
  const scores = new Map<string, Score>()
  for (const file of names.map(reportOf).filter(existsSync)) {
    const { files } = JSON.parse(readFileSync(file, 'utf8')) as Report
    for (const [path, { mutants }] of Object.entries(files))
      for (const { status } of mutants) {
        add(scores, dirname(path), status)
        add(scores, 'all', status)
      }
  }
  for (const [folder, score] of [...scores].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`${percent(score).padStart(7)}  ${folder} (${score.noticed} of ${score.all})`)
}

/**
 * Test files of a package that did not run, after a run of the whole package: Stryker passes over one
 * that cannot be loaded, and every mutant that only it would notice then survives.
 */
export function testsThatDidNotRun(name: string): string[] {
  if (!existsSync(reportOf(name))) return []
  const { testFiles = {} } = JSON.parse(readFileSync(reportOf(name), 'utf8')) as Report
  const folder = `packages/${name}/test`
  return readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts') && !file.endsWith('-fuzz.test.ts'))
    .map((file) => `${folder}/${file}`)
    .filter((file) => !(file in testFiles))
}

function add(scores: Map<string, Score>, folder: string, status: string): void {
  if (!counted.includes(status)) return
  const score = scores.get(folder) ?? { noticed: 0, all: 0 }
  score.all += 1
  if (noticed.includes(status)) score.noticed += 1
  scores.set(folder, score)
}

function percent({ noticed, all }: Score): string {
  return `${((100 * noticed) / all).toFixed(1)}%`
}
