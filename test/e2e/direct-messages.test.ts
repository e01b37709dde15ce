import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Cloud, startCloud } from '../../packages/embedded-cloud/src/cloud.ts'
import type { Fault } from '../../packages/embedded-cloud/src/endpoint.ts'
import { openDeployment } from '../../packages/operator/src/aws-deployment.ts'
import { directMessageCheck } from '../../packages/operator/src/checks/devices.ts'
import type { Patient } from '../../packages/operator/src/checks/finding.ts'

const state = mkdtempSync(join(tmpdir(), 'heliograph-region-'))
afterAll(() => rmSync(state, { recursive: true, force: true }))

/** How a service answers a path that it has no operation for. */
const unknown: Fault = {
  outcome: 'answer',
  status: 404,
  code: 'UnknownOperationException',
  message: 'no such operation',
}

let fault: Fault | undefined
let probes = 0
const start = (folder: string) =>
  startCloud({
    assembly: inject('assembly'),
    state: join(state, folder),
    beforeService: ({ service, action }) => {
      if (service !== 'iotdata' || !action.includes('/connections/heliograph-probe/')) return
      probes += 1
      return fault
    },
  })

describe('a region without SendDirectMessage', () => {
  let cloud: Cloud
  beforeAll(async () => {
    cloud = await start('with')
  })
  afterAll(() => cloud.close())

  async function finding() {
    const { environment } = cloud
    const deployment = await openDeployment({ stage: 'local', environment })
    const [found] = await directMessageCheck.run({ deployment } as Pick<
      Patient,
      'deployment'
    > as Patient)
    deployment.close()
    return found
  }

  test('is refused by the deployment, in one sentence', async () => {
    fault = unknown
    await expect(start('without')).rejects.toThrow(
      /stack Heliograph-local-State failed: IoT Core in us-east-1 does not support direct messages, without which nothing can be delivered \(SendDirectMessage answered UnknownOperationException: no such operation\): deploy to a region/,
    )
    fault = undefined
  })

  test('is found by doctor', async () => {
    fault = unknown
    expect(await finding()).toMatchObject({
      state: 'problem',
      detail: expect.stringMatching(/^IoT Core in us-east-1 does not support direct messages/),
    })
    fault = { ...unknown, status: 403, code: 'ForbiddenException' }
    expect(await finding()).toMatchObject({ state: 'warning' })
    fault = undefined
    expect(await finding()).toMatchObject({ state: 'ok' })
  })

  test('is asked for once, when the stage is new', async () => {
    await cloud.close()
    probes = 0
    cloud = await start('with')
    expect(probes).toBe(0)
  })
})
