/** Where the metrics of the functions' logs are in CloudWatch. */
export const METRIC_NAMESPACE = 'Heliograph'

/** Milliseconds from acceptance to the device's PUBACK, without those that were stored. */
export const DELIVERY_TIME = 'DeliveryTime'
