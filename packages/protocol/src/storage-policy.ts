/**
 * What a channel keeps (Apple: `message-storage-policy`). 0: nothing, a broadcast reaches who is
 * connected. 1: the latest broadcast, until it expires, for whoever joins or connects later.
 */
export const storagePolicies = [0, 1] as const

export type StoragePolicy = (typeof storagePolicies)[number]

export function parseStoragePolicy(value: unknown): StoragePolicy | undefined {
  return storagePolicies.find((policy) => policy === value)
}
