import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withDrawings } from './drawing.ts'
import { imports, root } from './imports.ts'
import { troubleWith } from './layers.ts'

/**
 * `npm run folders` draws the folders and their imports anew in `docs/architecture.md`. `--check`, which is
 * part of `npm run check`, writes nothing, and fails where it would or where an import is not allowed.
 */
const page = join(root, 'docs/architecture.md')
const all = imports()
const before = readFileSync(page, 'utf8')
const after = withDrawings(before, all)
const isCheck = process.argv.includes('--check')
if (!isCheck) writeFileSync(page, after)
const stale =
  'the drawings in docs/architecture.md are out of date: npm run folders draws them anew'
const trouble = [...troubleWith(all), ...(isCheck && before !== after ? [stale] : [])]
for (const sentence of trouble) console.error(`folders: ${sentence}`)
process.exitCode = trouble.length > 0 ? 1 : 0
