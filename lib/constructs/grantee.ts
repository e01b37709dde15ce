import type { Variable } from '../../lambdas/settings.ts'

/** A function as a store, queue or key sees it: a grant also tells it the name of the resource. */
export interface Grantee {
  /** Sets a variable that the function's `settings.ts` names. */
  set(name: Variable, value: string): void
  /** Permits exactly these actions on exactly these resources. */
  allow(actions: readonly string[], resources: readonly string[]): void
}
