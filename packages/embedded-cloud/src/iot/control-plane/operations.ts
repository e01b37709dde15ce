import { invalidRequest } from '../errors.ts'
import type { Operation } from '../rest.ts'
import { attachmentOperations } from './attachments.ts'
import { certificateOperations } from './certificates.ts'
import type { ControlPlane } from './directory.ts'
import { policyOperations } from './policies.ts'
import { thingOperations } from './things.ts'

/**
 * The part of the AWS IoT control plane that manages devices.
 * Source: https://docs.aws.amazon.com/iot/latest/apireference/API_Operations_AWS_IoT.html
 */
export function controlPlaneOperations(plane: ControlPlane): Operation[] {
  return [
    {
      name: 'DescribeEndpoint',
      method: 'GET',
      path: '/endpoint',
      run: ({ query }) => {
        const type = query.get('endpointType') ?? 'iot:Data-ATS'
        if (type !== 'iot:Data-ATS' && type !== 'iot:Data')
          throw invalidRequest(`There is no endpoint of type ${type} in the embedded cloud.`)
        return { endpointAddress: plane.address }
      },
    },
    ...certificateOperations(plane),
    ...thingOperations(plane),
    ...attachmentOperations(plane),
    ...policyOperations(plane),
  ]
}
