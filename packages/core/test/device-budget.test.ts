import { expect, test } from 'vitest'
import { newDevice, now } from '../../../test/contract/samples.ts'
import { allowances, deviceBudget, NAMED_EVERY_MS } from '../src/devices/device-budget.ts'

const device = newDevice()

function worked(kind: keyof typeof allowances, requests: number, everyMs: number): number {
  const budget = deviceBudget()
  return Array.from({ length: requests }, (_, n) =>
    budget.spend(device, kind, now + n * everyMs),
  ).filter(({ may }) => may).length
}

test.each(['register', 'connect', 'unregister', 'renew', 'malformed', 'slot'] as const)(
  '%s: of a flood the allowance is worked, and no more',
  (kind) => {
    const { burst, perSecond } = allowances[kind]
    // 100 messages a second are what IoT Core lets a connection say
    expect(worked(kind, 60_000, 10)).toBeLessThanOrEqual(burst + perSecond * 600 + 1)
  },
)

test('a device that registers twenty topics when it is first started is served', () => {
  expect(worked('register', 20, 0)).toBe(20)
})

test('one device and one kind of request take nothing from another', () => {
  const budget = deviceBudget()
  for (let n = 0; n < 1_000; n += 1) budget.spend(device, 'connect', now)
  expect(budget.spend(device, 'register', now)).toEqual({ may: true })
  expect(budget.spend(newDevice(), 'connect', now)).toEqual({ may: true })
})

test('many are spent at once, or none of them', () => {
  const budget = deviceBudget()
  const { burst } = allowances.slot
  expect(budget.spend(device, 'slot', now, burst - 1)).toEqual({ may: true })
  expect(budget.spend(device, 'slot', now, 2)).toEqual({ may: false, report: 2 })
  expect(budget.spend(device, 'slot', now, 1)).toEqual({ may: true })
})

test('a device in a loop is named once a minute, with how much was dropped', () => {
  const budget = deviceBudget()
  const { burst } = allowances.malformed
  for (let n = 0; n < burst; n += 1) budget.spend(device, 'malformed', now)
  expect(budget.spend(device, 'malformed', now)).toEqual({ may: false, report: 1 })
  for (let n = 0; n < 99; n += 1)
    expect(budget.spend(device, 'malformed', now)).toEqual({ may: false })
  const later = now + NAMED_EVERY_MS
  expect(budget.spend(device, 'malformed', later)).toEqual({ may: true })
  expect(budget.spend(device, 'malformed', later)).toMatchObject({ report: 100 })
})

test('as many devices are remembered as there is room for; the one that asked longest ago is forgotten', () => {
  const budget = deviceBudget(2)
  const [first, second, third] = [newDevice(), newDevice(), newDevice()]
  const { burst } = allowances.renew
  const ask = (one: typeof device) => budget.spend(one, 'renew', now).may
  const spendAll = (one: typeof device) => Array.from({ length: burst }, () => ask(one))
  for (const one of [first, second]) spendAll(one)
  expect([ask(first), ask(second), ask(first)]).toEqual([false, false, false])
  spendAll(third)
  expect([ask(first), ask(second)]).toEqual([false, true])
})

test('requests that come out of order grant nothing twice', () => {
  const budget = deviceBudget()
  const { burst } = allowances.connect
  const spend = (at: number) => budget.spend(device, 'connect', at).may
  for (let n = 0; n < burst; n += 1) spend(now + 60_000)
  expect([now, now + 60_000, now, now + 60_000].map(spend)).toEqual([false, false, false, false])
})
