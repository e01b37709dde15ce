import type { OverviewPart, OverviewPartName } from 'heliograph/console/api'
import type { Fault } from '../../data/call.ts'

export type ValueOf<Name extends OverviewPartName> = Extract<OverviewPart, { part: Name }>['value']

/** One part of the overview: what was read last, and why it could not be read anew. */
export interface PartState<Name extends OverviewPartName> {
  readonly part?: { readonly at: number; readonly value: ValueOf<Name> }
  readonly fault?: Fault
}

export type Parts = { readonly [Name in OverviewPartName]?: PartState<Name> }
