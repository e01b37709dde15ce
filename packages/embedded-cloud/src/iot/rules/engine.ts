import { randomUUID } from 'node:crypto'
import type { CloudIdentity, Log } from '../../types.ts'
import { basicIngestOf, filterMatches } from '../limits.ts'
import type { Message } from '../message.ts'
import {
  type Action,
  type ActionTargets,
  checkKeys,
  fieldsOf,
  readAction,
  text,
} from './actions.ts'
import { evaluate } from './evaluate.ts'
import { parseSql } from './parse.ts'
import type { Statement } from './syntax.ts'
import type { Facts, Value } from './value.ts'

export interface EngineOptions extends ActionTargets {
  readonly identity: CloudIdentity
  readonly log: Log
  now(): number
}

interface Rule {
  readonly name: string
  readonly arn: string
  readonly enabled: boolean
  readonly statement: Statement
  readonly actions: readonly Action[]
  readonly errorAction: Action | undefined
}

interface Failure {
  readonly failedAction: string
  readonly failedResource: string
  readonly errorMessage: string
}

/** The rules of the account: which messages they take, and what they do with them. */
export class RulesEngine {
  readonly #options: EngineOptions
  readonly #rules = new Map<string, Rule>()
  readonly #running = new Set<Promise<void>>()

  constructor(options: EngineOptions) {
    this.#options = options
  }

  /**
   * Creates or replaces a rule from the TopicRulePayload of AWS::IoT::TopicRule.
   * Throws one sentence when it says anything that is not run here.
   */
  put(name: string, payload: unknown): void {
    try {
      this.#rules.set(name, this.#read(name, payload))
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`The topic rule "${name}" cannot be run: ${reason}.`, { cause })
    }
  }

  delete(name: string): void {
    this.#rules.delete(name)
  }

  #read(name: string, payload: unknown): Rule {
    if (!/^[A-Za-z0-9_]{1,128}$/.test(name))
      throw new Error('its name has to be of letters, digits and underscores')
    const fields = fieldsOf(payload, 'the payload')
    checkKeys('the payload', fields, payloadKeys)
    if (fields.AwsIotSqlVersion !== '2016-03-23')
      throw new Error('it needs the AwsIotSqlVersion "2016-03-23"')
    if (!Array.isArray(fields.Actions) || fields.Actions.length > 10)
      throw new Error('Actions has to be a list of at most 10')
    const { region, accountId } = this.#options.identity
    return {
      name,
      arn: `arn:aws:iot:${region}:${accountId}:rule/${name}`,
      enabled: fields.RuleDisabled !== true && fields.RuleDisabled !== 'true',
      statement: parseSql(text('the payload', fields, 'Sql')),
      actions: fields.Actions.map((action) => readAction(action, this.#options)),
      errorAction:
        fields.ErrorAction === undefined
          ? undefined
          : readAction(fields.ErrorAction, this.#options),
    }
  }

  /** Takes a message; actions run on their own. A Basic Ingest topic reaches the one rule that it names. */
  accept(message: Message): void {
    const ingest = basicIngestOf(message.topic)
    const rules = ingest === undefined ? this.#rulesOn(message.topic) : this.#ruleNamed(ingest.rule)
    if (rules.length === 0) return
    const facts = this.#facts(message, ingest?.topic ?? message.topic)
    for (const rule of rules) this.#start(rule, message, facts)
  }

  /** Resolves when no action is running. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #rulesOn(topic: string): Rule[] {
    return [...this.#rules.values()].filter(
      ({ enabled, statement: { from } }) =>
        enabled && from !== undefined && filterMatches(from, topic),
    )
  }

  #ruleNamed(name: string): Rule[] {
    const rule = this.#rules.get(name)
    if (rule === undefined)
      this.#options.log(
        'iot',
        `RULE_NOT_FOUND: there is no rule "${name}"; the message is dropped.`,
      )
    return rule?.enabled === true ? [rule] : []
  }

  #facts({ payload, clientId, certificateId }: Message, topic: string): Facts {
    return {
      payload,
      document: jsonOf(payload),
      topic,
      clientId,
      certificateId,
      timestamp: this.#options.now(),
      traceId: randomUUID(),
      accountId: this.#options.identity.accountId,
    }
  }

  #start(rule: Rule, message: Message, facts: Facts): void {
    const run = this.#run(rule, message, facts).catch((error) =>
      this.#options.log('iot', `Rule ${rule.name} failed: ${error.message}`),
    )
    this.#running.add(run)
    void run.finally(() => this.#running.delete(run))
  }

  async #run(rule: Rule, message: Message, facts: Facts): Promise<void> {
    const result = evaluate(rule.statement, facts)
    if (result === undefined) return
    const attempts = rule.actions.map((action) => attempt(action, result.output, rule.arn))
    const failures = (await Promise.all(attempts)).filter((failure) => failure !== undefined)
    for (const { failedAction, failedResource, errorMessage } of failures) {
      const text = `${failedAction} of rule ${rule.name} failed for ${failedResource}: ${errorMessage}`
      this.#options.log('iot', text)
    }
    if (failures.length > 0) await rule.errorAction?.run(report(rule, message, failures), rule.arn)
  }
}

const payloadKeys = [
  'Sql',
  'AwsIotSqlVersion',
  'Actions',
  'ErrorAction',
  'RuleDisabled',
  'Description',
]

async function attempt(action: Action, output: Value, arn: string): Promise<Failure | undefined> {
  try {
    await action.run(output, arn)
    return undefined
  } catch (error) {
    return {
      failedAction: action.kind,
      failedResource: action.resource,
      errorMessage: error instanceof Error ? error.message : String(error),
    }
  }
}

/** Source: https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html */
function report(rule: Rule, message: Message, failures: readonly Failure[]): object {
  return {
    ruleName: rule.name,
    topic: message.topic,
    clientId: message.clientId ?? 'N/A',
    base64OriginalPayload: message.payload.toString('base64'),
    failures,
  }
}

function jsonOf(payload: Buffer): Value {
  try {
    return JSON.parse(payload.toString('utf8'))
  } catch {
    return undefined
  }
}
