import { spawnSync } from 'node:child_process'

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/** The commit that changes count from; undefined in a clone that does not have it. */
export function comparedCommit(): string | undefined {
  const head = git('rev-parse', 'HEAD')
  const shared = git('merge-base', 'HEAD', 'origin/main') ?? git('merge-base', 'HEAD', 'main')
  return shared && shared !== head ? shared : git('rev-parse', 'HEAD^')
}

/** Sources of the pure packages that differ from a commit, what is not committed included. */
export function changedSince(commit: string): string[] {
  const folders = ['packages/core/src', 'packages/protocol/src']
  const listed = git('diff', '--name-only', '--diff-filter=d', commit, '--', ...folders) ?? ''
  return listed.split('\n').filter((file) => file.endsWith('.ts'))
}
