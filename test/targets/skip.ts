import { beforeEach } from 'vitest'
import { testsLeftOut as onLocalstack } from '../../tools/emulators/skips.ts'
import { testsLeftOut as onAws } from '../aws/skips.ts'
import { testsLeftOut as onMachine } from '../machine/skips.ts'

const byTarget: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  aws: onAws,
  machine: onMachine,
}
const leftOut = byTarget[process.env.TARGET ?? ''] ?? onLocalstack

beforeEach(({ task, skip }) => {
  skip(task.name in leftOut, leftOut[task.name])
})
