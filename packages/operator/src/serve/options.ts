/** What is on the command line of `heliograph serve`. */
export interface ServeOptions {
  readonly state: string
  readonly portBase?: string
  readonly config?: string
  readonly keyFile?: string
  readonly durability?: string
  readonly dev?: boolean
}
