/** Where the metrics of the functions' logs are in CloudWatch. */
export const METRIC_NAMESPACE = 'Heliograph'

/** Notifications that came to an outcome; also by push type and by priority, of those that were accepted. */
export const NOTIFICATIONS = 'Notifications'

/** Milliseconds from acceptance to the device's PUBACK, without those that were stored. */
export const DELIVERY_TIME = 'DeliveryTime'

/**
 * Milliseconds from acceptance to the device's PUBACK, for notifications that were stored in
 * between.
 */
export const STORED_DELIVERY_TIME = 'StoredDeliveryTime'

/** Field of a log line, and dimension: a counted topic, or `OTHER_TOPICS`. */
export const COUNTED_TOPIC = 'countedTopic'

/** What topics without metrics of their own are counted as. */
export const OTHER_TOPICS = 'other'

/** Milliseconds from the canary's request to the answer. */
export const CANARY_ACCEPTANCE_TIME = 'CanaryAcceptanceTime'

/** Milliseconds from the canary's request until its device had taken the notification over. Without a value: not heard. */
export const CANARY_DEVICE_TIME = 'CanaryDeviceTime'
