import { describe, expect, it } from 'vitest'
import { progressOf } from '../src/progress.ts'
import { guarded, type Terminal } from '../src/terminal.ts'
import { TestTerminal } from './support.ts'

/** What is shown of four steps of 3 s, each of 100 out of 1,000. */
function shownOf(terminal: Terminal, json = false): void {
  let now = 0
  const progress = progressOf({ terminal, json }, { done: 100, total: 1_000, now: () => now })
  for (let step = 0; step < 4; step += 1) {
    now += 3_000
    progress.add(100)
  }
  progress.end()
}

describe('progress', () => {
  it('on a screen is a bar in one place, which is cleared at the end', () => {
    const shown: string[] = []
    const terminal = Object.assign(new TestTerminal(), { show: (line: string) => shown.push(line) })
    shownOf(terminal)
    expect(shown).toEqual([
      '[####....................]  20%  200 of 1000, 33 a second, 0:24 left',
      '[#######.................]  30%  300 of 1000, 33 a second, 0:21 left',
      '[#########...............]  40%  400 of 1000, 33 a second, 0:18 left',
      '[############............]  50%  500 of 1000, 33 a second, 0:15 left',
      '',
    ])
    expect(terminal.notes).toEqual([])
  })

  it('elsewhere is a line every ten seconds, beside the result', () => {
    const terminal = new TestTerminal()
    shownOf(terminal)
    expect(terminal.notes).toEqual([' 50%  500 of 1000, 33 a second, 0:15 left'])
    expect(terminal.printed).toEqual([])
  })

  it('for a script is nothing', () => {
    const shown: string[] = []
    const terminal = Object.assign(new TestTerminal(), { show: (line: string) => shown.push(line) })
    shownOf(terminal, true)
    expect([...shown, ...terminal.notes, ...terminal.printed]).toEqual([])
  })

  it('takes no orders from what it shows', () => {
    const shown: string[] = []
    const terminal = Object.assign(new TestTerminal(), { show: (line: string) => shown.push(line) })
    guarded(terminal).show?.('a\u001b[2Jb')
    expect(shown).toEqual(['a\\u001b[2Jb'])
  })
})
