import { writeMessage } from '../../../aws/notification-queue.ts'
import type { NotificationQueue } from '../../../core/ports.ts'
import type { Access } from './access.ts'

/** Takes the body of a message, to hand it out after so many seconds. */
export type Enqueue = (body: string, delaySeconds: number) => void

export function memoryQueue(enqueue: Enqueue, access: Access): NotificationQueue {
  return {
    send: (notification, { slotOnly = false, delaySeconds = 0 } = {}) =>
      access('queue.send', notification.seq, () =>
        enqueue(writeMessage(notification, slotOnly), delaySeconds),
      ),
  }
}
