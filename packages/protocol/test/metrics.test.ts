import { expect, test } from 'vitest'
import { DELIVERY_TIME, METRIC_NAMESPACE } from '../src/metrics.ts'

test('metrics keep the names under which CloudWatch has their past', () => {
  expect([METRIC_NAMESPACE, DELIVERY_TIME]).toEqual(['Heliograph', 'DeliveryTime'])
})
