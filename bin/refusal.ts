/** Ends a command with this message, which says what to do, and without a stack trace. */
export class Refusal extends Error {}
