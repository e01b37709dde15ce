/** How a test file finds the deployment that `run.ts` made: the path is in HELIOGRAPH_TARGET_FILE. */
export interface TargetFile {
  readonly name: string
  readonly endpoint: string
  readonly identity: { readonly accountId: string; readonly region: string }
  readonly caFile: string
  /** The variables with which an operator's command reaches it. */
  readonly environment: Readonly<Record<string, string>>
  readonly mutualTlsApis: readonly { domain: string; url: string; port: number }[]
  readonly apis: readonly { name: string; url: string }[]
  readonly mqtt: { readonly url: string; readonly host: string; readonly port: number }
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>
}
