import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DeviceToken, Topic } from '@heliograph/protocol/identifiers'
import { registerOffline } from '../../bench/registered.ts'
import { openStage, welcomeOperator } from './operator-support.ts'
import { alertOf, readyDevice, startTarget, type TestDevice } from './support.ts'
import type { Target } from './target.ts'

/** A stage whose provider has 1,200 tokens of devices that never connect. */
export interface Campaigning {
  readonly target: Target
  readonly topic: Topic
  readonly offline: readonly DeviceToken[]
  /** A file that is given the tokens in any order. */
  fileOf(tokens: readonly string[]): string
  /** That many devices, connected and registered. */
  crowd(count: number): Promise<Awaited<ReturnType<typeof readyDevice>>[]>
}

export async function openCampaigning(): Promise<Campaigning> {
  const target = await startTarget()
  welcomeOperator(target)
  const topic = target.local.provider.topic as Topic
  const deployment = await openStage(target)
  const offline = await registerOffline(deployment, topic, 1_200)
  deployment.close()
  let files = 0
  return {
    ...{ target, topic, offline },
    fileOf(tokens) {
      files += 1
      const path = join(target.state, `tokens-${files}.txt`)
      writeFileSync(path, tokens.join('\n'))
      return path
    },
    crowd: (count) => Promise.all(Array.from({ length: count }, () => readyDevice(target))),
  }
}

export const leave = (devices: readonly TestDevice[]) =>
  Promise.all(devices.map(({ device }) => device.close()))

/** The devices spread over the tokens of others. */
export function among(
  others: readonly string[],
  devices: readonly { readonly token: string }[],
): string[] {
  const step = Math.floor(others.length / devices.length)
  return devices.flatMap(({ token }, n) => [...others.slice(n * step, (n + 1) * step), token])
}

export const alertsOf = ({ received }: TestDevice) => received.map((one) => String(alertOf(one)))
