import { TextField } from '../../parts/field.tsx'

/** Topics as a person lists them. */
export function topicsIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((topic) => topic !== '')
}

export function TopicsField(props: {
  readonly value: string
  readonly onInput: (value: string) => void
  readonly asked: boolean
}) {
  const { value, onInput, asked } = props
  const missing = asked && topicsIn(value).length === 0
  return (
    <TextField
      label="Topics"
      value={value}
      onInput={onInput}
      mono
      hint="Bundle ids, with the suffix of their push type; several with spaces between them"
      fault={missing ? 'Name at least one topic, for example com.example.app.' : undefined}
    />
  )
}
