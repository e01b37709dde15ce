import { Button } from '../../parts/button.tsx'
import { Field } from '../../parts/field.tsx'
import { count } from '../../words/numbers.ts'
import type { Draft } from './draft.ts'
import { checkPayload, formatted, type PayloadCheck, templateFor } from './payload.ts'

/** The payload's text, and what there is to say about it as it is typed. */
export function PayloadField(props: {
  readonly draft: Draft
  readonly change: (some: Partial<Draft>) => void
}) {
  const { draft, change } = props
  const check = checkPayload(draft.payload, draft.pushType)
  const format = () => {
    const payload = formatted(draft.payload)
    if (payload !== undefined) change({ payload })
  }
  return (
    <div class="fields payload">
      <Field label="Payload" fault={check.fault}>
        {(ids) => (
          <textarea
            {...ids}
            rows={9}
            spellcheck={false}
            value={draft.payload}
            onInput={({ currentTarget }) => change({ payload: currentTarget.value })}
          />
        )}
      </Field>
      <div class="payload-foot">
        <Size {...check} />
        <div class="actions">
          <Button size="small" kind="quiet" onClick={format}>
            Format
          </Button>
          <Button
            size="small"
            kind="quiet"
            onClick={() => change({ payload: templateFor(draft.pushType) })}
          >
            Example
          </Button>
        </div>
      </div>
    </div>
  )
}

function Size({ bytes, most }: PayloadCheck) {
  return (
    <label class="meter" data-tone={bytes > most ? 'bad' : undefined}>
      <span class="small soft number">
        {count(bytes)} of {count(most)} bytes
      </span>
      <progress class="meter-bar" max={most} value={Math.min(bytes, most)} />
    </label>
  )
}
