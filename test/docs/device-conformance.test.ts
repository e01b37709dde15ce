import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

interface Case {
  readonly id: string
  readonly service: string
  readonly profile: string
  readonly rule: string
}

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/device-conformance.md', root), 'utf8')
const { cases } = JSON.parse(
  readFileSync(new URL('tools/device-conformance/cases.json', root), 'utf8'),
) as { cases: Case[] }

function rowOf({ id, rule, service, profile }: Case): string {
  const runs = [service === 'live' ? 'live' : '', profile === 'quick' ? '' : profile]
  return `| ${id} | ${rule} | ${runs.filter(Boolean).join(', ')} |`.replace('|  |', '| |')
}

describe('what the page of the device conformance suite says', () => {
  it('has the cases, and no others', () => {
    const rows = page.split('\n').filter((line) => /^\| [A-Z]\d+ \|/.test(line))
    expect(rows).toEqual(cases.map(rowOf))
  })

  it('shows lines that are JSON, one each', () => {
    const blocks = [...page.matchAll(/^```json driver\n([\s\S]*?)^```/gm)]
    const lines = blocks.flatMap(([, block = '']) => block.trimEnd().split('\n'))
    expect(lines.length).toBeGreaterThan(5)
    for (const line of lines) expect(JSON.parse(line)).toBeTypeOf('object')
  })
})
