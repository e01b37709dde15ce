import {
  type CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation'

/** The outputs of one stack by their names, or undefined if there is no such stack. */
export async function stackOutputs(
  client: CloudFormationClient,
  stackName: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    const command = new DescribeStacksCommand({ StackName: stackName })
    const { Stacks: [stack] = [] } = await client.send(command)
    if (!stack) return undefined
    const outputs = (stack.Outputs ?? []).map(({ OutputKey, OutputValue }) => [
      OutputKey ?? '',
      OutputValue ?? '',
    ])
    return Object.fromEntries(outputs)
  } catch (fault) {
    if (isNoSuchStack(fault)) return undefined
    throw fault
  }
}

/** CloudFormation has no specific error for this (AWS: "DescribeStacks"). */
function isNoSuchStack(fault: unknown): boolean {
  return (
    fault instanceof CloudFormationServiceException &&
    fault.name === 'ValidationError' &&
    /does not exist/.test(fault.message)
  )
}
