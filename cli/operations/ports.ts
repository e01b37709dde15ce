import { devices } from '../../aws/devices.ts'
import { feedback } from '../../aws/feedback.ts'
import { presences } from '../../aws/operator/presence.ts'
import { pendingNotifications } from '../../aws/pending-notifications.ts'
import { registrations } from '../../aws/registrations.ts'
import { tokenKeyRing } from '../../aws/token-keys.ts'
import type { UnregisterPorts } from '../../core/unregister.ts'
import type { Deployment } from '../deployment.ts'

/** What the rules need to end a registration, on the tables of a deployment. */
export function unregisterPorts({ clients, outputs, clock, ids }: Deployment): UnregisterPorts {
  const { dynamoDb, kms } = clients
  return {
    clock,
    pending: pendingNotifications(dynamoDb, outputs.PendingTable),
    registrations: registrations(dynamoDb, outputs.RegistrationsTable),
    feedback: feedback(dynamoDb, outputs.FeedbackTable, clock, ids),
    ring: tokenKeyRing(dynamoDb, kms, outputs.TokenKeysTable, clock),
    // the log of a function is where outcomes belong; the command's report tells the operator
    outcomes: { record: () => {} },
  }
}

export function devicesOf({ clients, outputs }: Deployment) {
  return devices(clients.dynamoDb, outputs.DevicesTable)
}

export function presencesOf({ clients, outputs }: Deployment) {
  return presences(clients.iotData(outputs.IotEndpoint))
}
