import { AwsError } from '../answer.ts'

/** The refusals that most operations of the IoT APIs share. */
export const invalidRequest = (message: string) =>
  new AwsError('InvalidRequestException', message, 400)

export const resourceNotFound = (message: string) =>
  new AwsError('ResourceNotFoundException', message, 404)
