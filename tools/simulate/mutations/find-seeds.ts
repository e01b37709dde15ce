import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { makeCertificates } from '../certificates.ts'
import { catchMutation } from './catch.ts'
import { mutations } from './list.ts'

/**
 * Looks for the first seed that shows each bug and writes it into list.ts. To be run after a change
 * of the simulation: `npx tsx tools/simulate/mutations/find-seeds.ts [name …]`.
 */
const MOST_SEEDS = 3_000
const path = fileURLToPath(new URL('./list.ts', import.meta.url))
const names = process.argv.slice(2)
const certificates = await makeCertificates()

for (const mutation of mutations) {
  if (names.length > 0 && !names.includes(mutation.name)) continue
  const caught = await catchMutation(mutation, 1, MOST_SEEDS, certificates)
  const [violation] = caught?.violations ?? []
  console.log(mutation.name, caught?.seed ?? 'NOT CAUGHT', violation?.invariant, violation?.text)
  if (!caught) continue
  const text = await readFile(path, 'utf8')
  const entry = text.indexOf(`name: '${mutation.name}'`)
  const rest = text.slice(entry).replace(/seed: \d+/, `seed: ${caught.seed}`)
  await writeFile(path, text.slice(0, entry) + rest)
}
