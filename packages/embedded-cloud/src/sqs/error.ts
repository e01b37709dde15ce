/** An error of SQS, by the name that its JSON protocol gives it. */
export class SqsError extends Error {
  readonly code: string
  /** HTTP. */
  readonly status: number

  constructor(code: string, message: string, status = 400) {
    super(message)
    this.name = 'SqsError'
    this.code = code
    this.status = status
  }
}

/** `InvalidParameterValue`, in the words of SQS. */
export function invalidParameter(reason: string): SqsError {
  const message = `One or more parameters are invalid. Reason: ${reason}`
  return new SqsError('InvalidParameterValue', message)
}
