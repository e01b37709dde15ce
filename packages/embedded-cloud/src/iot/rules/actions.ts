import type { Functions } from '../../types.ts'
import type { Value } from './value.ts'

/** What the actions of rules may reach. */
export interface ActionTargets {
  readonly functions: Functions
  /** Whether the function's resource policy lets the rule invoke it (AWS::Lambda::Permission). */
  permits(functionArn: string, principal: 'iot.amazonaws.com', sourceArn: string): boolean
  sendToQueue(queueUrlOrArn: string, body: string): Promise<void>
}

/** One action of a rule; `kind` and `resource` name it in an error action's report. */
export interface Action {
  readonly kind: 'LambdaAction' | 'SqsAction'
  readonly resource: string
  /** Throws when the action fails. */
  run(output: Value, ruleArn: string): Promise<void>
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads one action of AWS::IoT::TopicRule; throws one sentence if it is not supported here. Source:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-iot-topicrule-action.html
 */
export function readAction(action: unknown, targets: ActionTargets): Action {
  const [kind, ...others] = Object.keys(fieldsOf(action, 'an action'))
  if (kind === undefined || others.length > 0) throw new Error('an action has exactly one kind')
  const fields = fieldsOf(fieldsOf(action, 'an action')[kind], kind)
  if (kind === 'Lambda') return lambdaAction(fields, targets)
  if (kind === 'Sqs') return sqsAction(fields, targets)
  throw new Error(`the action ${kind} is not run here; there are Lambda and Sqs`)
}

function lambdaAction(fields: Fields, targets: ActionTargets): Action {
  checkKeys('Lambda', fields, ['FunctionArn'])
  const functionArn = text('Lambda', fields, 'FunctionArn')
  return {
    kind: 'LambdaAction',
    resource: functionArn,
    async run(output, ruleArn) {
      if (!targets.permits(functionArn, 'iot.amazonaws.com', ruleArn))
        throw new Error(`${functionArn} has no permission for iot.amazonaws.com and ${ruleArn}.`)
      if (Buffer.isBuffer(output))
        throw new Error(
          "A payload that is not JSON reaches a function only as encode(*, 'base64').",
        )
      targets.functions.invokeAsync(functionArn, output)
    },
  }
}

function sqsAction(fields: Fields, targets: ActionTargets): Action {
  checkKeys('Sqs', fields, ['QueueUrl', 'RoleArn', 'UseBase64'])
  const queueUrl = text('Sqs', fields, 'QueueUrl')
  text('Sqs', fields, 'RoleArn')
  const useBase64 = fields.UseBase64 === true || fields.UseBase64 === 'true'
  return {
    kind: 'SqsAction',
    resource: queueUrl,
    run: (output) => {
      const bytes = Buffer.isBuffer(output) ? output : Buffer.from(JSON.stringify(output))
      return targets.sendToQueue(queueUrl, bytes.toString(useBase64 ? 'base64' : 'utf8'))
    },
  }
}

export function fieldsOf(candidate: unknown, what: string): Fields {
  if (typeof candidate !== 'object' || candidate === null || Array.isArray(candidate))
    throw new Error(`${what} is not an object`)
  return candidate as Fields
}

export function checkKeys(what: string, fields: Fields, known: readonly string[]): void {
  const unknown = Object.keys(fields).find((key) => !known.includes(key))
  if (unknown !== undefined) throw new Error(`${what} has "${unknown}", which is not known here`)
}

export function text(what: string, fields: Fields, key: string): string {
  const value = fields[key]
  if (typeof value !== 'string' || value === '') throw new Error(`${what} lacks ${key}`)
  return value
}
