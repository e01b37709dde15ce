import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDevice } from '@heliograph/device'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stageOf } from '../../bin/stages.ts'
import { assemblyWith, heliographJson, welcomeOperator } from '../e2e/operator-support.ts'
import { postJson, startTarget } from '../e2e/support.ts'
import type { Target } from '../e2e/target.ts'
import { prodContext, prodTarget } from '../infra/app.ts'

/** The synthesized stacks with the throttle and the pace of activation that a deployed stage has. */
function deployedPace(): string {
  const context: Readonly<Record<string, string>> = prodContext
  const { activationThrottle, activationsPerSecond } = stageOf((name) => context[name], prodTarget)
  const copy = assemblyWith({ ACTIVATIONS_PER_SECOND: String(activationsPerSecond) })
  const name = readdirSync(copy).find((file) => file.includes('Devices.template')) ?? ''
  const template = JSON.parse(readFileSync(join(copy, name), 'utf8'))
  for (const { Type, Properties } of Object.values<{ Type: string; Properties: object }>(
    template.Resources,
  ))
    if (Type === 'AWS::ApiGatewayV2::Stage')
      Object.assign(Properties, {
        DefaultRouteSettings: {
          ThrottlingRateLimit: activationThrottle.ratePerSecond,
          ThrottlingBurstLimit: activationThrottle.burst,
        },
      })
  writeFileSync(join(copy, name), JSON.stringify(template))
  return copy
}

/** Sends two-byte requests at a rate until it is told to stop; says how many were answered by what. */
function flood(target: Target, perSecond: number) {
  const answers: Record<number, number> = {}
  const timer = setInterval(() => {
    postJson(target, '{}')
      .then(({ status }) => {
        answers[status] = (answers[status] ?? 0) + 1
      })
      .catch(() => {})
  }, 1000 / perSecond)
  return {
    stop: () => {
      clearInterval(timer)
      return answers
    },
  }
}

/** How many of so many new devices, each with a code of its own, are activated within a time. */
async function activateAll(target: Target, count: number, withinMs: number) {
  const codes = await heliographJson<{ code: string }[]>(
    target,
    ...['device', 'invite', '--count', String(count)],
  )
  const { url, ca } = target.local.activation
  const startedAt = performance.now()
  const times: number[] = []
  const activating = codes.map(async ({ code }) => {
    const device = await openDevice({
      directory: mkdtempSync(join(target.state, 'device-')),
      activation: { url, code, ca: readFileSync(ca, 'utf8') },
    })
    await device.activate()
    times.push(performance.now() - startedAt)
    await device.close()
  })
  const late = new Promise((resolve) => setTimeout(resolve, withinMs))
  await Promise.race([Promise.allSettled(activating), late])
  return times
}

/** The attack: so many junk activations a second, beside devices that activate with good codes. */
export function keepsNoDeviceOut(perSecond: number, devices: number, withinMs: number): void {
  let target: Target
  let assembly: string
  beforeAll(async () => {
    assembly = deployedPace()
    target = await startTarget({ assembly })
    welcomeOperator(target)
  })
  afterAll(async () => {
    await target?.close()
    rmSync(assembly, { recursive: true, force: true })
  })

  it(`${perSecond} junk activations a second keep no device out`, async () => {
    const junk = flood(target, perSecond)
    const times = await activateAll(target, devices, withinMs)
    const answers = junk.stop()
    console.info({ answers, slowestMs: Math.round(Math.max(...times)) })
    expect(times).toHaveLength(devices)
  })
}
