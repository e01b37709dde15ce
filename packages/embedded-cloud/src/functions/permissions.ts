import { allows } from '../policy.ts'
import type { PolicyDocument } from '../types.ts'
import { functionName } from './function-host.ts'

/** One AWS::Lambda::Permission: who may invoke a function, and for whom. */
export interface Permission {
  readonly functionArn: string
  readonly action: string
  /** A service such as `iot.amazonaws.com`. */
  readonly principal: string
  /** ARN pattern of the API, rule or bucket; absent = any. */
  readonly sourceArn?: string
}

interface Entry {
  readonly principal: string
  readonly document: PolicyDocument
}

/** The resource policies of all functions, as AWS::Lambda::Permission writes them. */
export class Permissions {
  readonly #byFunction = new Map<string, Entry[]>()

  add({ functionArn, action, principal, sourceArn = '*' }: Permission): void {
    const name = functionName(functionArn)
    const entries = this.#byFunction.get(name) ?? []
    this.#byFunction.set(name, entries)
    const document = {
      Statement: { Effect: 'Allow', Action: action, Resource: sourceArn },
    } as const
    entries.push({ principal, document })
  }

  /** Whether a service may invoke the function on behalf of the source. */
  permits(functionArn: string, principal: string, sourceArn: string): boolean {
    const entries = this.#byFunction.get(functionName(functionArn)) ?? []
    const documents = entries.filter((e) => e.principal === principal).map((e) => e.document)
    return allows(documents, { action: 'lambda:InvokeFunction', resource: sourceArn })
  }
}
