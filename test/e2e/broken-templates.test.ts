import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, it } from 'vitest'
import {
  activatePlainly,
  PlainDevice,
  readyDevice,
  request,
  startTarget,
  until,
} from './support.ts'
import type { Target } from './target.ts'

/** The embedded cloud is only worth its name if what is wrong in a template is wrong on a laptop. */

interface Template {
  readonly Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>
}

let target: Target | undefined
let copy = ''

afterEach(async () => {
  await target?.close()
  target = undefined
  rmSync(copy, { recursive: true, force: true })
})

/** Runs a copy of the stacks in which one template's text has been changed. */
async function startBroken(stack: string, change: (text: string) => string): Promise<Target> {
  copy = mkdtempSync(join(tmpdir(), 'heliograph-broken-'))
  cpSync(inject('assembly'), copy, { recursive: true })
  const file = join(copy, `Heliographlocal${stack}.template.json`)
  const before = readFileSync(file, 'utf8')
  const after = change(before)
  expect(after).not.toBe(before)
  writeFileSync(file, after)
  return startTarget({ assembly: copy })
}

function logged(words: string): Promise<boolean> {
  return until(() => target?.logs.some((line) => line.includes(words)) || undefined)
}

describe.skipIf((process.env.TARGET ?? 'embedded') !== 'embedded')('a template', () => {
  it('without the right to send to the queue: 503, and the log says which right', async () => {
    target = await startBroken('Providers', (text) =>
      text.replace('"sqs:SendMessage"', '"sqs:GetQueueUrl"'),
    )
    const { device, token } = await readyDevice(target)
    expect(await request(target, { token })).toMatchObject({
      status: 503,
      reason: 'ServiceUnavailable',
    })
    await logged('sqs:SendMessage')
    await device.close()
  })

  it('without a variable of a function: nothing is accepted, and the log names it', async () => {
    target = await startBroken('Providers', (text) => {
      const template = JSON.parse(text) as Template
      const accept = Object.entries(template.Resources).find(([id]) => /^AcceptFunction/.test(id))
      const environment = accept?.[1].Properties.Environment as {
        Variables: Record<string, unknown>
      }
      delete environment.Variables.NOTIFICATION_QUEUE_URL
      return JSON.stringify(template)
    })
    const { device, token } = await readyDevice(target)
    expect((await request(target, { token })).status).toBeGreaterThanOrEqual(500)
    await logged('this function lacks NOTIFICATION_QUEUE_URL')
    await device.close()
  })

  it('with a topic rule of another name: what a device says is not heard, and the log says why', async () => {
    target = await startBroken('Devices', (text) =>
      text.replaceAll('"heliograph_local_connect"', '"heliograph_local_conect"'),
    )
    const activation = await activatePlainly(target)
    const device = new PlainDevice(activation)
    await device.connect()
    await device.publish(activation.answer.publish.connect, { tokens: [] })
    await logged('RULE_NOT_FOUND')
    expect(device.messages).toEqual([])
    await device.close()
  })
})
