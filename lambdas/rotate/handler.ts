import type { Log } from '@heliograph/aws/log'
import {
  ensureKey,
  type RotatePorts,
  type Rotation,
  rotate,
  rotateOnSchedule,
} from '@heliograph/core/token/rotate'
import type { CloudFormationCustomResourceEvent } from 'aws-lambda'
import type { Made } from '../custom-resource.ts'

/** Called by the schedule, which may fire twice, and by `heliograph key rotate`. */
export function rotateHandler(ports: RotatePorts, log: Log) {
  return async (event: object): Promise<Rotation | undefined> => {
    const scheduled = 'detail-type' in event
    const rotation = await (scheduled ? rotateOnSchedule(ports) : rotate(ports))
    log.info(rotation ? 'token keys rotated' : 'the primary token key is young: not rotated', {
      ...rotation,
    })
    return rotation
  }
}

/** A deployment only makes sure of a first key: an update must not rotate. */
export async function makeRing(
  { RequestType }: Pick<CloudFormationCustomResourceEvent, 'RequestType'>,
  stage: string,
  ports: RotatePorts,
): Promise<Made> {
  if (RequestType !== 'Delete') await ensureKey(ports)
  return { physicalId: `token-key-ring-${stage}` }
}
