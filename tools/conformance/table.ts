import type { Result } from './run-case.ts'

const WIDTHS = { id: 30, expected: 34 }

/** The table of `npm run conformance`: case, expected, seen; and how many failed. */
export function resultTable(
  results: readonly Result[],
  onlyFailed: boolean,
): { readonly text: string; readonly failed: number } {
  const failed = results.filter(({ faults }) => faults.length > 0)
  const skipped = results.filter(({ skipped }) => skipped !== undefined)
  const shown = onlyFailed ? [...failed, ...skipped] : results
  const passed = results.length - failed.length - skipped.length
  const lines = [
    line('', 'case', 'expected', 'seen'),
    ...shown.map((result) => line(mark(result), result.id, result.expected, seenOf(result))),
    '',
    `${results.length} cases: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ]
  return { text: lines.join('\n'), failed: failed.length }
}

function mark({ faults, skipped }: Result): string {
  if (skipped !== undefined) return 'skip'
  return faults.length > 0 ? 'FAIL' : 'ok'
}

function seenOf({ seen, faults, skipped }: Result): string {
  if (skipped !== undefined) return skipped
  return faults.length > 0 && faults[0] !== seen ? `${seen} (${faults.join(', ')})` : seen
}

function line(sign: string, id: string, expected: string, seen: string): string {
  const cells = [sign.padEnd(4), id.padEnd(WIDTHS.id), expected.padEnd(WIDTHS.expected), seen]
  return cells.join('  ').trimEnd()
}
