import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { synthesize } from '../bin/embedded.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The local stage's assembly, synthesized once for all tests that run it. */
    assembly: string
  }
}

/** Synthesizes once per run: every end-to-end file runs the same stacks. */
export default async function setup(project: TestProject): Promise<() => void> {
  const assembly = mkdtempSync(join(tmpdir(), 'heliograph-assembly-'))
  await synthesize(assembly)
  project.provide('assembly', assembly)
  return () => rmSync(assembly, { recursive: true, force: true })
}
