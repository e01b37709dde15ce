import { readFileSync } from 'node:fs'

/** A command of a transcript and what it prints; `…` stands for what differs every time. */
export interface Step {
  /** Without the leading `$ `, a closing `&` and a comment. */
  readonly command: string
  readonly output: string
  /** It goes on running, as with `&` in a shell. */
  readonly background: boolean
  /** What it waits for takes a moment: the command has the comment `# after a moment`. */
  readonly later: boolean
}

/** The steps of the first `console` block after the transcript mark in a Markdown file. */
export function readTranscript(file: URL): Step[] {
  const text = readFileSync(file, 'utf8')
  const [, block] = /<!-- transcript -->\n```console\n([\s\S]*?)\n```/.exec(text) ?? []
  if (block === undefined) throw new Error(`${file.pathname} has no transcript`)
  return block.split(/^\$ /m).slice(1).map(stepOf)
}

function stepOf(text: string): Step {
  const [line = '', ...output] = text.trimEnd().split('\n')
  const command = line.replace(/ +(&|# after a moment)$/, '')
  const background = line.endsWith(' &')
  return {
    command,
    output: output.join('\n'),
    background,
    later: line.endsWith('# after a moment'),
  }
}

/** The words of a command line: quotes hold words together, `$NAME` is a variable. */
export function wordsOf(command: string, variables: Readonly<Record<string, string>>): string[] {
  const words = command.match(/"[^"]*"|\S+/g) ?? []
  return words.map((word) =>
    word.replace(/^"|"$/g, '').replace(/\$([A-Z]+)/g, (_, name: string) => {
      const value = variables[name]
      if (value === undefined) throw new Error(`the transcript uses $${name} before it is known`)
      return value
    }),
  )
}

/** What the text must look like: a line `…` alone is any lines or none, within a line it is any text. */
export function patternOf(output: string): RegExp {
  const [first = '', ...others] = output.split('\n')
  const rest = others.map((line) => (line === '…' ? '(?:\\n.*)*' : `\\n${linePattern(line)}`))
  return new RegExp(`^${linePattern(first)}${rest.join('')}$`)
}

function linePattern(line: string): string {
  return line
    .split(/(…|\s{2,})/)
    .map((part) => {
      if (part === '…') return '.+'
      // the width of a column depends on what is in it
      return /^\s{2,}$/.test(part) ? ' {2,}' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    })
    .join('')
}
