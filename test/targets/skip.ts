import { beforeEach } from 'vitest'
import * as aws from '../aws/skips.ts'
import * as localstack from '../localstack/skips.ts'

const { testsLeftOut } = process.env.TARGET === 'aws' ? aws : localstack

beforeEach(({ task, skip }) => {
  skip(task.name in testsLeftOut, testsLeftOut[task.name])
})
