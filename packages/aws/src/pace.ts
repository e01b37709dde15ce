import type { IoTClient } from '@aws-sdk/client-iot'
import type { Clock } from '@heliograph/core/ports'
import { systemWait, type Wait } from './patience.ts'

/**
 * Makes the client send at most this many calls per second for each operation; calls that come too
 * soon wait.
 */
export function pace(
  client: IoTClient,
  perSecond: number,
  clock: Clock,
  wait: Wait = systemWait,
): IoTClient {
  const free = new Map<string, number>()
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (call) => {
        const now = clock.now()
        const turn = Math.max(now, free.get(commandName) ?? 0)
        free.set(commandName, turn + 1_000 / perSecond)
        if (turn > now) await wait(turn - now)
        return next(call)
      },
    { step: 'initialize', name: 'pace' },
  )
  return client
}
