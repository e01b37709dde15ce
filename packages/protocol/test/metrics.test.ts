import { expect, test } from 'vitest'
import * as metrics from '../src/metrics.ts'

test('metrics keep the names under which CloudWatch has their past', () => {
  expect({ ...metrics }).toEqual({
    METRIC_NAMESPACE: 'Heliograph',
    NOTIFICATIONS: 'Notifications',
    DELIVERY_TIME: 'DeliveryTime',
    STORED_DELIVERY_TIME: 'StoredDeliveryTime',
    COUNTED_TOPIC: 'countedTopic',
    OTHER_TOPICS: 'other',
    CANARY_ACCEPTANCE_TIME: 'CanaryAcceptanceTime',
    CANARY_DEVICE_TIME: 'CanaryDeviceTime',
  })
})
