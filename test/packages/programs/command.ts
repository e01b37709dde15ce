/** The command inside another program. */
import { main, processTerminal, type Terminal } from 'heliograph'

const lines: string[] = []
const terminal: Terminal = { ...processTerminal(), print: (line) => lines.push(line) }
const code: number = await main(['--version'], terminal)
console.log(`${lines.join()}, exit code ${code}`)
