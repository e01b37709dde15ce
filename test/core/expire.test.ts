import { expect, test } from 'vitest'
import { expire } from '../../core/expire.ts'
import { notification } from '../contract/samples.ts'
import { Delivery } from './delivery-support.ts'

test('the provider reads once of an expired notification, however often the stream tells', async () => {
  const world = new Delivery()
  const one = notification()
  await expire(one, world.ports)
  await expire(one, world.ports)
  expect(world.feedback()).toMatchObject([{ token: one.token, reason: 'Expired', id: one.id }])
})
