/** Builds the page into `dist/`, as `heliograph console` serves it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildConsole } from './build.ts'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
mkdirSync(dist, { recursive: true })
for (const { name, bytes } of await buildConsole()) writeFileSync(join(dist, name), bytes)
