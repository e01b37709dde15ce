/** Apple: apns-priority. 10 if a provider sends none. */
export const priorities = [10, 5, 1] as const

export type Priority = (typeof priorities)[number]

export function isPriority(value: unknown): value is Priority {
  return priorities.some((priority) => priority === value)
}
