import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import {
  beginEvent,
  FunctionFault,
  type Functions,
  type Log,
} from '../../packages/embedded-cloud/src/types.ts'

export interface FunctionsOptions {
  readonly endpoint: string
  readonly region: string
  readonly accountId: string
  readonly log: Log
}

/** MiniStack runs a process for each invocation at a time; beyond about ten it slows down for all. */
const atOnce = 10

/** The deployed functions, invoked through the Lambda API by the parts that run beside the emulator. */
export function deployedFunctions(options: FunctionsOptions): Functions & { close(): void } {
  const { endpoint, region, accountId, log } = options
  const client = new LambdaClient({
    endpoint,
    region,
    credentials: { accessKeyId: accountId, secretAccessKey: 'emulator' },
    maxAttempts: 1,
    requestHandler: { requestTimeout: 60_000, httpAgent: { maxSockets: 2 * atOnce } },
  })
  const gate = new Gate(atOnce)
  return {
    invoke: (functionArn, event, options) =>
      gate.pass(() => invoke(client, functionArn, beginEvent(event, options))),
    invokeAsync(functionArn, event) {
      gate
        .pass(() => invokeAsync(client, functionArn, event))
        .catch((error) => log('rule', `${functionArn} was not invoked: ${error}`))
    },
    close: () => client.destroy(),
  }
}

async function invoke(
  client: LambdaClient,
  FunctionName: string,
  event: unknown,
): Promise<unknown> {
  const { Payload, FunctionError } = await client.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  )
  const result: unknown = Payload?.length ? JSON.parse(Payload.transformToString()) : null
  if (!FunctionError) return result
  const { errorType = FunctionError, errorMessage = '' } = (result ?? {}) as Record<string, string>
  throw new FunctionFault(errorType, errorMessage)
}

async function invokeAsync(
  client: LambdaClient,
  FunctionName: string,
  event: unknown,
): Promise<void> {
  const Payload = JSON.stringify(event)
  await client.send(new InvokeCommand({ FunctionName, Payload, InvocationType: 'Event' }))
}

/** Lets so many through at a time; the others wait in turn. */
class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(size: number) {
    this.#free = size
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free += 1
    }
  }
}
