import { AwsError } from '../answer.ts'

/** An error of SNS, by the name that its Query protocol gives it. */
export function snsError(code: string, message: string, status = 400): AwsError {
  return new AwsError(code, message, status)
}

export function invalidParameter(message: string): AwsError {
  return snsError('InvalidParameter', `Invalid parameter: ${message}`)
}
