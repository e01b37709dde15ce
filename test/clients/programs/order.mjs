import { readFileSync } from 'node:fs'

/** What to send and where: the file that the first argument names. */
export const order = JSON.parse(readFileSync(process.argv[2], 'utf8'))

const started = performance.now()
const answers = {}

/** Counts one answer. */
export function tally(answer) {
  answers[answer] = (answers[answer] ?? 0) + 1
}

/** Prints what every program prints: the answers, and how long they took together. */
export function ended() {
  console.log(JSON.stringify({ answers, milliseconds: Math.round(performance.now() - started) }))
}
