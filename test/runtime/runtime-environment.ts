import { setTimeout as wait } from 'node:timers/promises'
import type { FunctionDefinition } from '../../packages/embedded-cloud/src/functions/definition.ts'
import type {
  EnvironmentSettings,
  ExecutionEnvironment,
} from '../../packages/embedded-cloud/src/functions/execution-environment.ts'
import { FunctionFault } from '../../packages/embedded-cloud/src/types.ts'
import { type Running, start } from '../../tools/emulators/process.ts'
import { type RuntimeApi, startRuntimeApi } from './runtime-api.ts'
import type { Tools } from './tools.ts'

/** An execution environment that is a process of AWS's own runtime client for Node.js. */
export class RuntimeEnvironment implements ExecutionEnvironment {
  readonly ready: Promise<void>
  readonly #definition: FunctionDefinition
  readonly #opened: Promise<{ readonly api: RuntimeApi; readonly running: Running }>
  #onEnd: (() => void) | undefined
  #end: (fault: FunctionFault) => void = () => {}
  readonly #ended: Promise<never>

  constructor(definition: FunctionDefinition, settings: EnvironmentSettings, tools: Tools) {
    this.#definition = definition
    this.#ended = new Promise((_, reject) => {
      this.#end = reject
    })
    this.#ended.catch(() => this.#onEnd?.())
    this.#opened = this.#open(settings, tools)
    this.ready = this.#initialize(settings.initTimeoutMs)
  }

  async invoke(payload: string, requestId: string): Promise<string> {
    const { api } = await this.#opened
    const { arn: functionArn, timeoutSeconds } = this.#definition
    const timeoutMs = timeoutSeconds * 1_000
    const deadline = Date.now() + timeoutMs
    return await this.#within(timeoutMs, api.invoke({ requestId, payload, deadline, functionArn }))
  }

  async terminate(): Promise<void> {
    this.#end(new FunctionFault('Runtime.ExitError', 'it was ended'))
    const { api, running } = await this.#opened
    await running.stop()
    await api.close()
  }

  onEnd(callback: () => void): void {
    this.#onEnd = callback
  }

  async #open(settings: EnvironmentSettings, tools: Tools) {
    const api = await startRuntimeApi()
    const running = start({
      file: tools.node,
      args: [tools.client, this.#definition.handler],
      cwd: this.#definition.codeFolder,
      env: environment(this.#definition, settings, api.address),
      onLine: (line) => settings.output(`${line}\n`),
    })
    void running.ended.then((end) => this.#end(new FunctionFault('Runtime.ExitError', end)))
    return { api, running }
  }

  async #initialize(limitMs: number): Promise<void> {
    try {
      const { api } = await this.#opened
      await this.#within(limitMs, api.initialized)
    } catch (fault) {
      await this.terminate()
      throw fault
    }
  }

  /** What comes first: the work's end, the environment's, or the end of the time. */
  async #within<T>(limitMs: number, work: Promise<T>): Promise<T> {
    const limit = new AbortController()
    const late = wait(limitMs, undefined, { signal: limit.signal }).then(() => {
      throw new FunctionFault('Sandbox.Timedout', `no end within ${limitMs} ms`)
    })
    late.catch(() => {})
    try {
      return await Promise.race([work, this.#ended, late])
    } finally {
      limit.abort()
    }
  }
}

/** What Lambda sets, and the CA of the embedded cloud, which functions trust as they do public ones. */
function environment(
  { name }: FunctionDefinition,
  { variables }: EnvironmentSettings,
  address: string,
): NodeJS.ProcessEnv {
  return {
    ...variables,
    AWS_LAMBDA_RUNTIME_API: address,
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: '2027/01/01/[$LATEST]0123456789abcdef0123456789abcdef',
    NODE_EXTRA_CA_CERTS: variables.AWS_CA_BUNDLE,
  }
}
