/** What a view gets from its address. */
export interface ViewProps {
  readonly path: string
  /** The parts of the path after the section's name. */
  readonly rest: readonly string[]
  readonly query: URLSearchParams
}
