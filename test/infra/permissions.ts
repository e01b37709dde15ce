import type { Template } from 'aws-cdk-lib/assertions'
import type { FunctionName } from '../../lib/functions.ts'
import {
  onlyWhereDestroyed,
  prodTarget,
  type Resource,
  resourcesOf,
  templatesOf,
  wholeContext,
} from './app.ts'

export interface Statement {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
}

/** A stage as an operator would deploy it. */
export const templatesToCheck: readonly Template[] = Object.values(
  templatesOf(wholeContext, prodTarget),
)

const destroyed = Object.values(templatesOf({ ...wholeContext, removal: 'destroy' }, prodTarget))

/** A stage that has this function. */
export function templatesWith(name: FunctionName): readonly Template[] {
  return onlyWhereDestroyed.includes(name) ? destroyed : templatesToCheck
}

/** How a resource of a statement is called in a test. */
const names: readonly [RegExp, string][] = [
  [/Stores(\w+?)Table[0-9A-F]{8}StreamArn/, '$1 stream'],
  [/Stores(\w+?)Table/, '$1'],
  [/CanaryIdentityTable/, 'Canary'],
  [/CanarySealKey/, 'Canary key'],
  [/Vault(\w+?)Key/, '$1 key'],
  [/NotificationsQueue/, 'notification queue'],
  [/NotificationsDeadLettersQueue/, 'notification dead-letter queue'],
  [/SlotsQueue/, 'slot queue'],
  [/OutcomesQueue/, 'outcome queue'],
  [/AnnouncementsQueue/, 'announcement queue'],
  [/AnnouncedTopic/, 'event topic'],
  [/EventsQueue/, 'dead letters'],
  [/RulesQueue/, 'rule errors'],
  [/TrustBucket.*\/\*/, 'truststore'],
  [/TrustBucket/, 'trust bucket'],
  [/^"arn:aws:iot:eu-west-1:111111111111:client\/heliograph-probe"$/, 'probe client'],
  [/^"arn:aws:iot:eu-west-1:111111111111:topic\/heliograph\/channel\/\*"$/, 'channel topics'],
  [/arn:aws:iot:eu-west-1:111111111111:(\w+)\/\*/, 'any $1'],
  [/^"arn:aws:iot:eu-west-1:111111111111:policy\/heliograph-prod-device"$/, 'device policy'],
  [
    /^"arn:aws:cloudformation:eu-west-1:111111111111:stack\/Heliograph-prod-Devices\/\*"$/,
    'own stack',
  ],
  [/^"arn:aws:lambda:eu-west-1:111111111111:function:heliograph-prod-empty"$/, 'itself'],
  [/arn:aws:iot:eu-west-1:111111111111:thing\/\?{16}"/, 'device things'],
  [/^"arn:aws:acm:eu-west-1:111111111111:certificate\/4e6a-example"$/, 'domain certificate'],
  [
    /^"arn:aws:acm:eu-west-1:111111111111:certificate\/4e6a-example-tokens"$/,
    'token domain certificate',
  ],
  [/LogsGroup/, 'own log'],
  [/^"\*"$/, '*'],
]

export function list(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]) as string[]
}

/** What roles allow, and what key policies allow; `*` in a key policy is the key itself. */
export function statementsOf(templates: readonly Template[]): Statement[] {
  const policies = resourcesOf(templates, 'AWS::IAM::Policy').flatMap(
    ([, { Properties }]) => Properties.PolicyDocument.Statement as Statement[],
  )
  const keys = resourcesOf(templates, 'AWS::KMS::Key').flatMap(([id, { Properties }]) =>
    (Properties.KeyPolicy.Statement as Statement[]).map((statement) => ({
      ...statement,
      Resource: id,
    })),
  )
  return [...policies, ...keys].filter(({ Effect }) => Effect === 'Allow')
}

/** All that a function may do, as `action resource`, sorted. */
export function permissionsOf(templates: readonly Template[], name: FunctionName): string[] {
  const role = functionOf(templates, name).Properties.Role['Fn::GetAtt'][0]
  const statements = resourcesOf(templates, 'AWS::IAM::Policy')
    .filter(([, { Properties }]) => Properties.Roles[0].Ref === role)
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as Statement[])
  return statements.flatMap(permissionsIn).sort()
}

function functionOf(templates: readonly Template[], name: FunctionName): Resource {
  const found = resourcesOf(templates, 'AWS::Lambda::Function').find(
    ([, { Properties }]) => Properties.FunctionName === `heliograph-prod-${name}`,
  )
  if (!found) throw new Error(`no function ${name}`)
  return found[1]
}

function permissionsIn({ Action, Resource }: Statement): string[] {
  const resources = (Array.isArray(Resource) ? Resource : [Resource]).map(nameOf)
  return list(Action).flatMap((action) => resources.map((resource) => `${action} ${resource}`))
}

function nameOf(resource: unknown): string {
  const text = JSON.stringify(resource)
  for (const [pattern, name] of names) {
    const match = pattern.exec(text)
    if (match) return name.replace('$1', match[1] ?? '')
  }
  throw new Error(`no name for ${text}`)
}
