import { beforeEach } from 'vitest'
import { testsLeftOut } from './skips.ts'

beforeEach(({ task, skip }) => {
  skip(task.name in testsLeftOut, testsLeftOut[task.name])
})
