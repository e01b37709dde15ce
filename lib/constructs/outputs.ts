import { CfnOutput, type Stack } from 'aws-cdk-lib'

/**
 * Stack outputs: by these names the operator's commands and the tests find every part of a stage,
 * on every target. A name is public: changing one breaks a command.
 */
export function addOutputs(stack: Stack, values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) new CfnOutput(stack, name, { value })
}
