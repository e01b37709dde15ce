import { expect, test } from 'vitest'
import { notification } from '../../../test/contract/samples.ts'
import { expire } from '../src/delivery/expire.ts'
import { Delivery } from './delivery-support.ts'

test('the provider reads once of an expired notification, however often the stream tells', async () => {
  const world = new Delivery()
  const one = notification()
  await expire(one, world.ports)
  await expire(one, world.ports)
  expect(world.feedback()).toMatchObject([{ reason: 'Expired', id: one.id }])
})

test('each one that expired is told of, and ends as expired', async () => {
  const world = new Delivery()
  const [one, other] = [notification(), notification()]
  await expire(one, world.ports)
  await expire(other, world.ports)
  expect(world.feedback().map((row) => 'id' in row && row.id)).toEqual(
    expect.arrayContaining([one.id, other.id]),
  )
  expect(world.kinds).toEqual(['expired', 'expired'])
})
