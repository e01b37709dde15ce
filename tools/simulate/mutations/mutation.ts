/** A bug that somebody could make, as a change of the source text. */
export interface Mutation {
  readonly name: string
  /** What is wrong then, in words. */
  readonly bug: string
  /** The file, from the top of the repository. */
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
}
