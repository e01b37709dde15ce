/**
 * Calls a second of each operation of IoT Core's control plane. The least quotas are 10 a second for the whole
 * account (AWS General Reference, "AWS IoT Core quotas"): half is left to its other stages.
 */
export const CALLS_PER_SECOND = 5
