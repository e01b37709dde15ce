import { Duration } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  type FunctionProps as LambdaFunctionProps,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { type Variable, variable } from '../../lambdas/settings.ts'
import { type Deployment, physicalName } from '../deployment.ts'
import { type FunctionName, functionSettings } from '../functions.ts'
import type { StageProps } from '../stage.ts'
import { acknowledgeFamily } from './acknowledge.ts'
import { JournalGroup } from './journal-group.ts'
import type { DeadLetterQueue } from './queues.ts'

export interface HeliographFunctionProps {
  readonly description: string
  readonly timeoutSeconds: number
  /** CPU comes with memory: 1,769 MB is one whole core. */
  readonly memoryMegabytes: number
  readonly reservedConcurrency?: number
  /** Where an asynchronous event goes, with the error, after its retries. */
  readonly deadLetters?: DeadLetterQueue
}

/** A permission that names more than one resource. */
export interface FamilyPermission {
  readonly actions: readonly string[]
  /** Has a wildcard. */
  readonly resource: string
  /** Why no narrower resource will do. */
  readonly reason: string
  /** Operator, then context key, then value. */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/**
 * One folder of `lambdas/`, deployed. It starts with no permission but to write its log and with
 * no variable but the stage; every grant of a store, queue or key adds both, and synth fails when
 * the variables differ from the function's `settings.ts`.
 */
export class HeliographFunction extends Construct {
  readonly resource: LambdaFunction
  readonly #settings: readonly Variable[]
  readonly #values = new Set<Variable>()

  constructor(
    scope: Construct,
    name: FunctionName,
    deployment: Deployment,
    props: HeliographFunctionProps,
  ) {
    super(scope, pascalCase(name))
    this.#settings = functionSettings[name]
    this.resource = new LambdaFunction(this, 'Function', this.#lambdaProps(name, deployment, props))
    this.set(variable.stage, deployment.stage.name)
    if (props.deadLetters)
      this.resource.configureAsyncInvoke({ onFailure: props.deadLetters.takeFrom(this) })
    if (deployment.stage.tracing)
      acknowledgeFamily(this, '*', 'IAM knows no resource for sending traces to X-Ray')
    this.node.addValidation({ validate: () => this.#missing(name) })
  }

  /** Sets a variable that the function's `settings.ts` names. */
  set(name: Variable, value: string): void {
    if (!this.#settings.includes(name))
      throw new Error(`${this.node.path} does not read ${name}: add it to its settings.ts`)
    this.#values.add(name)
    this.resource.addEnvironment(name, value)
  }

  /** Permits exactly these actions on exactly these resources. Conditions: operator, then context key, then value. */
  allow(
    actions: readonly string[],
    resources: readonly string[],
    conditions: FamilyPermission['conditions'] = {},
  ): void {
    if (resources.some((resource) => resource.endsWith('*')))
      throw new Error(`${this.node.path} is allowed a family of resources: use allowFamily`)
    this.#permit(actions, resources, conditions)
  }

  /**
   * Permits these actions on all resources that match a pattern, if a narrower one is impossible.
   */
  allowFamily({ actions, resource, reason, conditions }: FamilyPermission): void {
    this.#permit(actions, [resource], conditions)
    acknowledgeFamily(this, resource, reason)
  }

  #permit(actions: readonly string[], resources: readonly string[], conditions = {}): void {
    this.resource.addToRolePolicy(
      new PolicyStatement({ actions: [...actions], resources: [...resources], conditions }),
    )
  }

  #missing(name: FunctionName): string[] {
    const missing = this.#settings.filter((setting) => !this.#values.has(setting))
    return missing.length === 0
      ? []
      : [`nothing sets ${missing.join(', ')}, which lambdas/${name}/settings.ts asks for`]
  }

  #lambdaProps(
    name: FunctionName,
    { stage, code }: Deployment,
    props: HeliographFunctionProps,
  ): LambdaFunctionProps {
    const functionName = physicalName(stage, name)
    const logs = new JournalGroup(this, 'Logs', stage, `/aws/lambda/${functionName}`)
    const { reservedConcurrency } = props
    return {
      functionName,
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(code(name)),
      timeout: Duration.seconds(props.timeoutSeconds),
      memorySize: props.memoryMegabytes,
      logGroup: logs.group,
      ...logLevels(stage),
      role: this.#role(logs),
      tracing: stage.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      ...(reservedConcurrency && { reservedConcurrentExecutions: reservedConcurrency }),
    }
  }

  /** Its own role, because the managed policy for Lambda may write to every log group. */
  #role(logs: JournalGroup): Role {
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logs.grantWrite(role)
    return role
  }
}

/**
 * Lambda's own START, END and REPORT lines are more bytes than everything that the functions log,
 * and logs are a sixth of the cost of a notification. At WARN, there is a line only if an
 * invocation fails, for example by a timeout. Levels exist only in the JSON format. Source: AWS
 * Lambda, "Log-level filtering".
 */
function logLevels({ systemLogs }: StageProps) {
  return {
    loggingFormat: LoggingFormat.JSON,
    applicationLogLevelV2: ApplicationLogLevel.INFO,
    systemLogLevelV2: systemLogs === 'all' ? SystemLogLevel.INFO : SystemLogLevel.WARN,
  }
}

function pascalCase(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
