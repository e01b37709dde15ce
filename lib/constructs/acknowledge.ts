import { Stack, Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/**
 * Accepts a finding of cdk-nag's AwsSolutions rules below this construct.
 *
 * @param finding For example `SQS3`, or `IAM5[Resource::*]`.
 * @param reason Why it is right here, for the auditor of the stacks.
 */
export function acknowledge(construct: IConstruct, finding: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-${finding}`, reason })
}

/** Accepts that a permission is for more than one resource. */
export function acknowledgeFamily(construct: IConstruct, resource: string, reason: string): void {
  const shown = flatten(Stack.of(construct).resolve(resource))
  acknowledge(construct, `IAM5[Resource::${shown}]`, reason)
}

/**
 * A resolved value as cdk-nag shows it: `<LogicalId.Attribute>` for values that are known only at
 * deployment.
 */
function flatten(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const [[intrinsic, argument] = []] = Object.entries(value)
  if (intrinsic === 'Ref') return `<${argument}>`
  if (intrinsic === 'Fn::GetAtt') return `<${argument.join('.')}>`
  if (intrinsic === 'Fn::Join') return argument[1].map(flatten).join(argument[0])
  throw new Error(`cannot show ${JSON.stringify(value)}`)
}
