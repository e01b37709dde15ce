/**
 * Every step that a port takes into the world goes through here, and `effect` happens at once: to
 * the simulation this is a point at which a call may be late, fail, be repeated or be the last of
 * its process. `operation` and `subject` name the step for the trace.
 */
export type Access = <T>(operation: string, subject: string, effect: () => T) => Promise<T>

/** A world in which nothing goes wrong. */
export const atOnce: Access = async (_operation, _subject, effect) => effect()
