import { setTimeout as wait } from 'node:timers/promises'
import {
  type CloudFormationClient,
  DeleteStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation'
import type { Assembly } from '../../packages/embedded-cloud/src/assembly/assembly.ts'
import { TargetError } from './emulator.ts'

const patienceMs = 60_000

/**
 * Deletes what an earlier run left in an emulator that was found running, the last stack first. Not by `cdk
 * destroy`, which MiniStack tells the end of in a way that it takes for a failure.
 */
export async function removeStacks(
  { stacks }: Assembly,
  client: CloudFormationClient,
): Promise<void> {
  for (const { name } of stacks.toReversed()) {
    if (!(await statusOf(name, client))) continue
    await client.send(new DeleteStackCommand({ StackName: name }))
    await untilGone(name, client)
  }
}

async function untilGone(name: string, client: CloudFormationClient): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const status = await statusOf(name, client)
    if (!status) return
    if (status === 'DELETE_FAILED' || Date.now() > deadline)
      throw new TargetError(
        `stack ${name} of an earlier run cannot be removed (${status}): start the emulator anew`,
      )
    await wait(200)
  }
}

/** Undefined when there is no such stack. */
async function statusOf(StackName: string, client: CloudFormationClient) {
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }))
    return stack?.StackStatus === 'DELETE_COMPLETE' ? undefined : stack?.StackStatus
  } catch (fault) {
    if (fault instanceof Error && /does not exist/.test(fault.message)) return undefined
    throw fault
  }
}
