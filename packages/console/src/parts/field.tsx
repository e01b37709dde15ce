import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { Icon } from './icon.tsx'

interface FieldProps {
  readonly label: string
  readonly hint?: ComponentChildren
  /** What is wrong with what was entered. */
  readonly fault?: string | undefined
}

/** What connects an input with its label, its hint and its fault. */
export interface FieldIds {
  readonly id: string
  readonly class: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': 'true' | undefined
}

export function Field(
  props: FieldProps & { readonly children: (ids: FieldIds) => ComponentChildren },
) {
  const { label, hint, fault, children } = props
  const id = useId()
  const [hintId, faultId] = [`${id}-hint`, `${id}-fault`]
  const described = [hint && hintId, fault && faultId].filter(Boolean).join(' ')
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        class: 'input',
        'aria-describedby': described || undefined,
        'aria-invalid': fault ? 'true' : undefined,
      })}
      {fault && (
        <p class="field-fault" id={faultId}>
          <Icon name="alert" />
          <span>{fault}</span>
        </p>
      )}
      {hint && (
        <p class="field-hint" id={hintId}>
          {hint}
        </p>
      )}
    </div>
  )
}

export function TextField(
  props: FieldProps & {
    readonly value: string
    readonly onInput: (value: string) => void
    readonly placeholder?: string
    /** Digits and letters to compare one by one. */
    readonly mono?: boolean
    /** What could be entered; other things can be, too. */
    readonly list?: readonly string[]
    readonly inputMode?: 'numeric'
    readonly type?: 'search'
    readonly name?: string
    readonly required?: boolean
  },
) {
  const { value, onInput, mono, list, label, hint, fault, ...rest } = props
  const listId = useId()
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(ids) => (
        <>
          <input
            type="text"
            {...rest}
            {...ids}
            class={mono ? 'input mono' : 'input'}
            value={value}
            autoComplete="off"
            autoCapitalize="off"
            spellcheck={false}
            {...(list && { list: listId })}
            onInput={({ currentTarget }) => onInput(currentTarget.value)}
          />
          {list && (
            <datalist id={listId}>
              {list.map((one) => (
                <option value={one} key={one} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  )
}

export function SelectField(
  props: FieldProps & {
    readonly value: string
    readonly onChange: (value: string) => void
    readonly options: readonly (readonly [value: string, text: string])[]
  },
) {
  const { value, onChange, options, ...field } = props
  return (
    <Field {...field}>
      {(ids) => (
        <select
          {...ids}
          value={value}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
        >
          {options.map(([one, text]) => (
            <option value={one} key={one}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

export function CheckField(props: {
  readonly label: ComponentChildren
  readonly checked: boolean
  readonly onChange: (checked: boolean) => void
}) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={({ currentTarget }) => props.onChange(currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  )
}

/** One of a few choices, all of them visible. */
export function Choices(props: {
  readonly label: string
  readonly value: string
  readonly options: readonly (readonly [value: string, text: ComponentChildren])[]
  readonly onChange: (value: string) => void
}) {
  const name = useId()
  return (
    <fieldset class="choices">
      <legend class="unseen">{props.label}</legend>
      {props.options.map(([value, text]) => (
        <label key={value}>
          <input
            type="radio"
            name={name}
            checked={value === props.value}
            onChange={() => props.onChange(value)}
          />
          {text}
        </label>
      ))}
    </fieldset>
  )
}

/** A form that the page itself handles; the browser's own checks stay silent. */
export function Form(props: {
  readonly onSubmit: () => void
  readonly class?: string
  readonly label?: string
  readonly children: ComponentChildren
}) {
  const submit = (event: Event) => {
    event.preventDefault()
    props.onSubmit()
  }
  return (
    <form class={props.class ?? 'fields'} aria-label={props.label} onSubmit={submit} noValidate>
      {props.children}
    </form>
  )
}
