import type { CanaryIdentity } from '@heliograph/core/canary/enrollment'
import type { CanaryReport } from '@heliograph/core/canary/run-canary'
import { describe, expect, test } from 'vitest'
import { type CanaryHandlerPorts, canaryHandler } from '../../lambdas/canary/handler.ts'

const now = Date.parse('2027-01-01T00:00:00.000Z')
const identity: CanaryIdentity = {
  ...{ privateKey: 'key', certificate: 'certificate' },
  ...{ deviceId: 'device', device: 'kept' },
}

interface Line {
  readonly level: 'info' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** The canary's function, of which a run ends as given; what it has kept and logged. */
function canary(report: CanaryReport, found?: CanaryIdentity | Error, changed?: string) {
  const lines: Line[] = []
  const kept: CanaryIdentity[] = []
  const log =
    (level: Line['level']) =>
    (message: string, fields: Line['fields'] = {}) =>
      void lines.push({ level, message, fields })
  const ports: CanaryHandlerPorts = {
    clock: { now: () => now + 0.4 },
    makeKey: async () => '',
    activate: async () => identity,
    identities: {
      async find() {
        if (found instanceof Error) throw found
        return found
      },
      keep: async (one) => void kept.push(one),
      findNext: async () => undefined,
      keepNext: async () => {},
    },
    async withDevice(_kept, _work, onChange) {
      if (changed !== undefined) await onChange(changed)
      return report
    },
    provider: () => ({
      connect: async () => {},
      send: async () => ({ status: 200 }),
      close: () => {},
    }),
  }
  const handler = canaryHandler(ports, { info: log('info'), warn: () => {}, error: log('error') })
  return { handler, lines, kept }
}

const heard: CanaryReport = { heard: true, uniqueId: 'u', acceptanceMs: 12.6, deviceMs: 40.2 }
const metric = (...names: string[]) => ({
  Timestamp: now,
  CloudWatchMetrics: [
    {
      ...{ Namespace: 'Heliograph', Dimensions: [['stage']] },
      Metrics: names.map((Name) => ({ Name, Unit: 'Milliseconds' })),
    },
  ],
})

describe('a run', () => {
  test('that is heard has both times', async () => {
    const { handler, lines, kept } = canary(heard, identity)
    expect(await handler({ 'detail-type': 'Scheduled Event' })).toEqual(heard)
    expect(lines).toEqual([
      {
        ...{ level: 'info', message: 'the canary was heard' },
        fields: {
          ...{ uniqueId: 'u', acceptanceMs: 12.6, deviceMs: 40.2 },
          ...{ CanaryAcceptanceTime: 13, CanaryDeviceTime: 40 },
          _aws: metric('CanaryAcceptanceTime', 'CanaryDeviceTime'),
        },
      },
    ])
    expect(kept).toEqual([])
  })

  test('that is accepted and not heard lacks the one that the alarms are about', async () => {
    const lost = {
      heard: false,
      step: 'hear',
      detail: 'late',
      uniqueId: 'u',
      acceptanceMs: 9,
    } as const
    const { handler, lines } = canary(lost, identity)
    expect(await handler({})).toEqual(lost)
    expect(lines).toMatchObject([
      { level: 'error', fields: { step: 'hear', _aws: metric('CanaryAcceptanceTime') } },
    ])
    expect(lines[0]?.fields).not.toHaveProperty('CanaryDeviceTime')
  })

  test('of nobody has no metric, and is no error of the function', async () => {
    const { handler, lines } = canary(heard)
    expect(await handler({})).toMatchObject({ heard: false, step: 'identity' })
    expect(lines[0]?.fields).not.toHaveProperty('_aws')
  })

  test('of whom nobody can tell who it is fails closed', async () => {
    const { handler, lines } = canary(heard, new Error('AccessDenied'))
    const report = { heard: false, step: 'identity', detail: 'AccessDenied' }
    expect(await handler({})).toEqual(report)
    expect(lines).toMatchObject([{ level: 'error', message: 'the canary was not heard' }])
  })

  test('in which the device has renewed its certificate keeps it', async () => {
    const { handler, kept } = canary(heard, identity, 'renewed')
    await handler({})
    expect(kept).toEqual([{ ...identity, device: 'renewed' }])
  })
})

test('no line says anything of a key', async () => {
  const { handler, lines } = canary(heard, identity)
  await handler({})
  expect(JSON.stringify(lines)).not.toMatch(/"key"|certificate|kept/)
})
