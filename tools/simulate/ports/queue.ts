import { writeMessage, writeMulticast } from '@heliograph/aws/notification-queue'
import type { Multicast } from '@heliograph/core/multicast'
import type { NotificationQueue } from '@heliograph/core/ports'
import type { Access } from './access.ts'

/** Takes the body of a message, to hand it out after so many seconds. */
export type Enqueue = (body: string, delaySeconds: number) => void

export function memoryQueue(enqueue: Enqueue, access: Access): NotificationQueue {
  return {
    send: (notification, { slotOnly = false, delaySeconds = 0 } = {}) =>
      access('queue.send', notification.seq, () =>
        enqueue(writeMessage(notification, slotOnly), delaySeconds),
      ),
    sendMulticasts: (multicasts, { delaySeconds = 0 } = {}) =>
      access('queue.sendMulticasts', namesOf(multicasts), () => {
        for (const multicast of multicasts) enqueue(writeMulticast(multicast), delaySeconds)
        return new Set(multicasts.flat().map(({ notification }) => notification))
      }),
  }
}

function namesOf(multicasts: readonly Multicast[]): string {
  return multicasts
    .flat()
    .map(({ notification }) => notification.seq)
    .join(' ')
}
