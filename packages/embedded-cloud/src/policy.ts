import { type Condition, parseCondition } from './policy-condition.ts'
import {
  expand,
  matches,
  type PolicyContext,
  parseTemplate,
  type Template,
} from './policy-pattern.ts'
import type { PolicyDocument, PolicyStatement } from './types.ts'

export type { PolicyContext } from './policy-pattern.ts'

export interface PolicyRequest {
  /** For example `iot:Publish`; compared without regard to case. */
  readonly action: string
  /** An ARN, or `*` for an action that names no resource. */
  readonly resource: string
  /** Condition keys and policy variables of the request, for example `iot:ClientId`. */
  readonly context?: PolicyContext | undefined
}

/**
 * Answers as IAM and AWS IoT Core do for identity policies: default deny, one Allow grants, a Deny wins.
 * A statement with a variable that the request does not have does not match.
 * Throws one sentence when a document says something that is not evaluated here.
 * Source: IAM user guide, "Policy evaluation logic".
 */
export function allows(documents: readonly PolicyDocument[], request: PolicyRequest): boolean {
  let allowed = false
  for (const document of documents) {
    for (const statement of compiled(document)) {
      if (!statement.matches(request)) continue
      if (statement.denies) return false
      allowed = true
    }
  }
  return allowed
}

/** Throws one sentence when the document cannot be evaluated here; call it where a policy is created. */
export function checkPolicy(document: PolicyDocument): void {
  compiled(document)
}

interface CompiledStatement {
  readonly denies: boolean
  matches(request: PolicyRequest): boolean
}

const cache = new WeakMap<PolicyDocument, readonly CompiledStatement[]>()

function compiled(document: PolicyDocument): readonly CompiledStatement[] {
  let statements = cache.get(document)
  if (statements === undefined) {
    const variables = document.Version === '2012-10-17'
    statements = [document.Statement].flat().map((statement) => compile(statement, variables))
    cache.set(document, statements)
  }
  return statements
}

type Test = (value: string, context: PolicyContext) => boolean

function compile(statement: PolicyStatement, variables: boolean): CompiledStatement {
  checkShape(statement)
  const action = element(statement.Action, statement.NotAction, (text) =>
    parseTemplate(text.toLowerCase(), { wildcards: true, variables: false }),
  )
  const resource = element(statement.Resource, statement.NotResource, (text) =>
    parseTemplate(text, { wildcards: true, variables }),
  )
  const conditions: Condition[] = Object.entries(statement.Condition ?? {}).flatMap(
    ([operator, keys]) => parseCondition(operator, keys, variables),
  )
  return {
    denies: statement.Effect === 'Deny',
    matches(request) {
      const context = request.context ?? {}
      return (
        action(request.action.toLowerCase(), context) &&
        resource(request.resource, context) &&
        conditions.every((holds) => holds(context))
      )
    },
  }
}

/** The test for `X` or, when the statement has it, `NotX`. A variable without a value makes both fail. */
function element(
  positive: string | readonly string[] | undefined,
  negative: string | readonly string[] | undefined,
  parse: (text: string) => Template,
): Test {
  const templates = [positive ?? negative ?? []].flat().map(parse)
  if (positive !== undefined) {
    return (value, context) => templates.some((template) => hits(template, value, context) === true)
  }
  return (value, context) => templates.every((template) => hits(template, value, context) === false)
}

function hits(template: Template, value: string, context: PolicyContext): boolean | undefined {
  const pattern = expand(template, context)
  return pattern === undefined ? undefined : matches(pattern, value)
}

const statementKeys = new Set([
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])

function checkShape(statement: PolicyStatement): void {
  const unknown = Object.keys(statement).find((key) => !statementKeys.has(key))
  if (unknown !== undefined) {
    throw new Error(
      `A policy statement has "${unknown}"; only identity policies are evaluated here.`,
    )
  }
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
    throw new Error('A policy statement needs the Effect "Allow" or "Deny".')
  }
  if ((statement.Action === undefined) === (statement.NotAction === undefined)) {
    throw new Error('A policy statement needs either Action or NotAction.')
  }
  if ((statement.Resource === undefined) === (statement.NotResource === undefined)) {
    throw new Error('A policy statement needs either Resource or NotResource.')
  }
}
