import type { OverviewPartName } from 'heliograph/console/api'
import type { ComponentChildren } from 'preact'
import { Failed } from '../../parts/notice.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import type { PartState, ValueOf } from './part-state.ts'

/** What a part has, or why it has nothing; other parts do not wait for it. */
export function PartView<Name extends OverviewPartName>(props: {
  readonly of: PartState<Name> | undefined
  readonly what: string
  readonly children: (value: ValueOf<Name>) => ComponentChildren
}) {
  const { part, fault } = props.of ?? {}
  return (
    <>
      {fault && (
        <div class="inset">
          <Failed fault={fault} />
        </div>
      )}
      {part && props.children(part.value)}
      {!part && !fault && <Waiting what={props.what} />}
    </>
  )
}
