import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { changedSince, comparedCommit } from './changes.ts'
import { printScores, reportOf, testsThatDidNotRun } from './score.ts'

/**
 * Mutation tests of the pure packages, each by its own tests: `npm run mutate`, `-- --mutate
 * 'packages/core/src/token/**'` for one room, and `-- --changed` for the files that differ from main,
 * or on main from the commit before.
 */
const packages = ['protocol', 'core'] as const
const config = 'tools/mutate/stryker.config.mjs'
/** Without npx between, so that the time limit ends Stryker and not only what started it. */
const program = 'node_modules/@stryker-mutator/core/bin/stryker.js'
/** For changed files, which CI runs: a large change is judged by hand, and says so. */
const LIMIT_MINUTES = 4

/** The files of one package, or patterns of them. */
interface Job {
  readonly name: (typeof packages)[number]
  readonly files?: string
}

function jobsOf(files: readonly string[]): Job[] {
  const jobs = packages.map((name) => {
    const own = files.filter((file) => file.startsWith(`packages/${name}/`))
    return { name, files: own.join(',') }
  })
  return jobs.filter(({ files }) => files !== '')
}

/** Runs Stryker; 0 where the score is good, 'late' where it had to be ended. */
function stryker({ name, files }: Job, args: readonly string[], endsAt = 0): number | 'late' {
  const left = endsAt && Math.max(1, endsAt - Date.now())
  const mutate = files ? ['--mutate', files] : []
  const { status, error } = spawnSync(
    process.execPath,
    [program, 'run', config, ...mutate, ...args],
    {
      stdio: 'inherit',
      env: { ...process.env, MUTATED_PACKAGE: name },
      // Stryker ends its test runners, and exits with a status of its own: only `error` tells
      ...(left && { timeout: left }),
    },
  )
  if (error && 'code' in error && error.code === 'ETIMEDOUT') return 'late'
  return status ?? 1
}

function judge(jobs: readonly Job[], args: readonly string[], endsAt?: number): number {
  for (const { name } of jobs) rmSync(reportOf(name), { force: true })
  const results = jobs.map((job) => stryker(job, args, endsAt))
  const whole = jobs.filter(({ files }) => files === undefined)
  const missing = whole.flatMap(({ name }) => testsThatDidNotRun(name))
  for (const file of missing) console.error(`mutate: ${file} did not run: does it load?`)
  printScores(jobs.map(({ name }) => name))
  if (results.includes('late'))
    console.error(
      `NOT FINISHED: mutation tests, after ${LIMIT_MINUTES} minutes; run npm run mutate by hand`,
    )
  const hasFailed = results.some((result) => typeof result === 'number' && result !== 0)
  return hasFailed || missing.length > 0 ? 1 : 0
}

function judgeChanged(args: readonly string[]): number {
  const commit = comparedCommit()
  if (!commit) {
    console.error('mutate: no commit to compare with: fetch main, or the parent commit')
    return 1
  }
  const jobs = jobsOf(changedSince(commit))
  if (jobs.length > 0) return judge(jobs, args, Date.now() + LIMIT_MINUTES * 60_000)
  console.log(`SKIPPED: mutation tests, as no rule has changed since ${commit.slice(0, 9)}`)
  return 0
}

function judgeAll(args: readonly string[]): number {
  const at = args.indexOf('--mutate')
  if (at < 0)
    return judge(
      packages.map((name) => ({ name })),
      args,
    )
  const files = (args[at + 1] ?? '').split(',')
  return judge(jobsOf(files), args.toSpliced(at, 2))
}

const args = process.argv.slice(2)
const others = args.filter((arg) => arg !== '--changed')
process.exitCode = args.includes('--changed') ? judgeChanged(others) : judgeAll(others)
