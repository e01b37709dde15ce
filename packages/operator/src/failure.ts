/** The exit codes of `heliograph`; scripts rely on them (docs/cli.md). */
export const exitCode = {
  ok: 0,
  /** Something broke that no other code names. */
  failed: 1,
  /** The command line or an input file is wrong; nothing was done. */
  usage: 2,
  /** What was asked for is not there. */
  notFound: 3,
  /** The service or a precondition said no. */
  refused: 4,
  /** The deployment does not answer. */
  unreachable: 5,
  /** The user interrupted something that can be continued; as shells number SIGINT. */
  interrupted: 130,
} as const

export type ExitKind = keyof typeof exitCode

/** Ends a command with one sentence that says what to do. */
export class Failure extends Error {
  readonly kind: ExitKind

  constructor(kind: ExitKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
    this.kind = kind
  }
}
