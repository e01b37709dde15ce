import { isJsonObject } from '../assembly/json.ts'
import { CloudStartError } from '../cloud-start-error.ts'
import { readJsonFile, writeJsonFile } from '../persist.ts'

/** What a stack gives to others and takes from them. */
interface Trade {
  /** Value by the export's name. */
  readonly exports: Readonly<Record<string, string>>
  /** Names of other stacks' exports. */
  readonly imports: readonly string[]
}

/**
 * The exports of every stack as it was last deployed, which a start with another assembly may not
 * change or remove while a stack that was deployed earlier imports them.
 * Source: CloudFormation user guide, "Get exported outputs from a deployed CloudFormation stack".
 */
export class StackExports {
  readonly #stateFile: string
  readonly #trades = new Map<string, Trade>()

  private constructor(stateFile: string) {
    this.#stateFile = stateFile
  }

  /** Reads the state file; what stacks outside the assembly had is forgotten with them. */
  static async open(stateFile: string, stacks: readonly string[]): Promise<StackExports> {
    const exports = new StackExports(stateFile)
    const kept = await readJsonFile(stateFile, parseTrades)
    for (const [stack, trade] of Object.entries(kept ?? {}))
      if (stacks.includes(stack)) exports.#trades.set(stack, trade)
    return exports
  }

  /** Notes a stack that is created. @throws {CloudStartError} if AWS would refuse the update. */
  async update(stack: string, trade: Trade): Promise<void> {
    const before = this.#trades.get(stack)?.exports ?? {}
    for (const [name, value] of Object.entries(before)) {
      const now = trade.exports[name]
      if (now === undefined) this.#refuseInUse(stack, name, 'removed')
      else if (withoutPorts(now) !== withoutPorts(value)) this.#refuseInUse(stack, name, 'changed')
    }
    this.#trades.set(stack, trade)
    await this.#save()
  }

  /** Forgets a stack that is deleted. */
  async remove(stack: string): Promise<void> {
    this.#trades.delete(stack)
    await this.#save()
  }

  #refuseInUse(stack: string, name: string, fate: 'removed' | 'changed'): void {
    for (const [user, { imports }] of this.#trades) {
      if (user === stack || !imports.includes(name)) continue
      throw new CloudStartError(
        `The stack ${stack} cannot be updated: the export ${name} would be ${fate} and is in use by ${user}; keep it (stack.exportValue) until ${user} is deployed without it, or begin with another state folder.`,
      )
    }
  }

  #save(): Promise<void> {
    return writeJsonFile(this.#stateFile, Object.fromEntries(this.#trades))
  }
}

/** A restart may move this cloud's own addresses, which nobody deployed. */
function withoutPorts(value: string): string {
  return value.replace(/\b(127\.0\.0\.1|localhost):\d+/g, '$1')
}

function parseTrades(value: unknown): Record<string, Trade> {
  if (!isJsonObject(value)) throw new Error('it is no object')
  for (const trade of Object.values(value))
    if (!isJsonObject(trade) || !isJsonObject(trade.exports) || !Array.isArray(trade.imports))
      throw new Error('an entry is incomplete')
  return value as unknown as Record<string, Trade>
}
