import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Attacker, attacksOn, costOfDay } from '../../bench/cost/attacks.ts'
import { stageOf } from '../../bin/stages.ts'
import { storeTables } from '../../lib/constructs/stores.ts'
import { functionNames } from '../../lib/functions.ts'
import { prodContext, prodTarget, resourcesOf } from '../infra/app.ts'
import { permissionsOf, templatesToCheck, templatesWith } from '../infra/permissions.ts'

/** SECURITY.md says what every right is worth: a right that the templates give and it does not name fails here. */

const page = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8')

/** The rows of the table under a heading, by the first cell. */
function tableUnder(heading: string): ReadonlyMap<string, readonly string[]> {
  const [, section = ''] = page.split(`\n### ${heading}\n`)
  const lines = (section.split('\n#')[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
  const rows = lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  return new Map(rows.map(([first = '', ...others]) => [first.replaceAll('`', ''), others]))
}

/** All that a function may do besides writing its log, by resource. */
function rightsOf(name: (typeof functionNames)[number]): string {
  const byResource = new Map<string, string[]>()
  for (const permission of new Set(permissionsOf(templatesWith(name), name))) {
    const [action = '', ...words] = permission.split(' ')
    const resource = words.join(' ').replace('*', 'all')
    if (resource === 'own log') continue
    byResource.set(resource, [...(byResource.get(resource) ?? []), action.split(':')[1] ?? ''])
  }
  const parts = [...byResource].sort(([a], [b]) => (a < b ? -1 : 1))
  return parts.map(([resource, actions]) => `${resource}: ${actions.sort().join(', ')}`).join('; ')
}

describe('what each function is worth', () => {
  const rows = tableUnder('Each function')
  test('has a row for every function and no other', () => {
    expect([...rows.keys()].sort()).toEqual([...functionNames].sort())
  })

  test.each(functionNames)('%s has the rights of the templates', (name) => {
    const [rights, worth = ''] = rows.get(name) ?? []
    expect(rights).toBe(rightsOf(name))
    expect(worth.length).toBeGreaterThan(20)
  })
})

/** The functions that have one of these actions on a resource. */
function holders(actions: RegExp, resource: string): string {
  const names = functionNames.filter((name) =>
    permissionsOf(templatesWith(name), name).some((permission) => {
      const [action = '', ...words] = permission.split(' ')
      return actions.test(action) && words.join(' ') === resource
    }),
  )
  return names.length > 0 ? [...names].sort().join(', ') : 'none'
}

describe('what writing each table is worth', () => {
  const rows = tableUnder('Writing each table')
  test('has a row for every table and no other', () => {
    expect([...rows.keys()].sort()).toEqual(Object.keys(storeTables).sort())
  })

  test.each(Object.keys(storeTables))('%s is written by these functions', (table) => {
    const [writers, worth = ''] = rows.get(table) ?? []
    const resource = `${table.charAt(0).toUpperCase()}${table.slice(1)}`
    expect(writers).toBe(holders(/^dynamodb:(Put|Update|Delete|BatchWrite)/, resource))
    expect(worth.length).toBeGreaterThan(20)
  })
})

describe('what sending to each queue is worth', () => {
  const rows = tableUnder('Sending to each queue')
  const queues = [
    'notification queue',
    'slot queue',
    'outcome queue',
    'outcome dead letters',
    'announcement queue',
    'announcement dead letters',
    'notification dead-letter queue',
    'dead letters',
    'rule errors',
    'key uses',
  ]

  test('has a row for every queue and no other', () => {
    expect([...rows.keys()].sort()).toEqual([...queues].sort())
    expect(rows.size).toBe(resourcesOf(templatesToCheck, 'AWS::SQS::Queue').length)
  })

  test.each(queues)('%s is sent to by these functions', (queue) => {
    const [senders, worth = ''] = rows.get(queue) ?? []
    expect(senders).toBe(holders(/^sqs:SendMessage$/, queue))
    expect(worth.length).toBeGreaterThan(20)
  })
})

describe('what an attack costs', () => {
  const rows = tableUnder('What an attack costs')
  const attacks = attacksOn(
    stageOf((name) => (prodContext as Readonly<Record<string, string>>)[name], prodTarget),
  )
  test('has a row for each attacker', () => {
    expect([...rows.keys()].sort()).toEqual(Object.keys(attacks).sort())
  })

  test('a device in a loop costs at most ten dollars a day', () => {
    expect(costOfDay(attacks.device)).toBeLessThanOrEqual(10)
  })

  test.each(Object.keys(attacks) as Attacker[])('%s, at list price', (attacker) => {
    const attack = attacks[attacker]
    const [, perSecond, dollars] = rows.get(attacker) ?? []
    expect(perSecond).toBe(`${attack.perSecond.toLocaleString('en-US')}/s`)
    expect(dollars).toBe(`$${Number(costOfDay(attack).toPrecision(2)).toLocaleString('en-US')}`)
  })
})
