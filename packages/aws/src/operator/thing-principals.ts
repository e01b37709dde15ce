import {
  type IoTClient,
  paginateListThingPrincipals,
  ResourceNotFoundException,
} from '@aws-sdk/client-iot'
import type { DeviceId } from '@heliograph/protocol/identifiers'

/** The ids of the certificates that IoT Core has attached to the device, no matter who attached them. */
export async function attachedCertificates(
  client: IoTClient,
  deviceId: DeviceId,
): Promise<string[]> {
  const ids: string[] = []
  try {
    for await (const page of paginateListThingPrincipals({ client }, { thingName: deviceId }))
      ids.push(...(page.principals ?? []).flatMap((arn) => certificateIn(arn) ?? []))
  } catch (fault) {
    if (!(fault instanceof ResourceNotFoundException)) throw fault
  }
  return ids
}

/** Things can have other principals too, such as Cognito identities. */
function certificateIn(arn: string): string | undefined {
  return /:cert\/([0-9a-f]{64})$/.exec(arn)?.[1]
}
