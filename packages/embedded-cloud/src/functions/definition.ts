/** Everything that a function of the assembly needs to run here. */
export interface FunctionDefinition {
  readonly name: string
  readonly arn: string
  /** Lambda's `file.export`. */
  readonly handler: string
  readonly runtime: string
  /** Folder with the function's code, ready to load. */
  readonly codeFolder: string
  /** The template's variables, resolved. */
  readonly variables: Readonly<Record<string, string>>
  readonly role: string
  readonly timeoutSeconds: number
  readonly memoryMegabytes: number
  /** ReservedConcurrentExecutions; 0 throttles every invocation, as in AWS. */
  readonly reservedConcurrency?: number
  /** ARN of the SQS queue for asynchronous events that have finally failed. */
  readonly deadLetterArn?: string
}
