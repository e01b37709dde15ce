import { showNotification } from '../../operations/show-notification.ts'
import type { Handlers } from '../http/router.ts'
import { patience } from '../limits.ts'
import type { ConsoleWorld } from '../world.ts'

export function notificationHandlers(
  world: ConsoleWorld,
): Pick<Handlers, 'GET /api/notifications/:id'> {
  return {
    'GET /api/notifications/:id': {
      seconds: patience.read,
      answer: async ({ params }) => ({
        receipts: await showNotification(await world.deployment(), params.id),
      }),
    },
  }
}
