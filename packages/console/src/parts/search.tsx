import { useState } from 'preact/hooks'
import { Button } from './button.tsx'
import { Form, TextField } from './field.tsx'

/** A field for an id, which leads to what it is of. */
export function Search(props: {
  /** "Find a device" */
  readonly title: string
  readonly label: string
  readonly button: string
  readonly text?: string
  /** Goes there, or says why it is not an id. */
  readonly find: (wanted: string) => string | undefined
}) {
  const { title, label, button, find } = props
  const [text, setText] = useState(props.text ?? '')
  const [fault, setFault] = useState<string>()
  return (
    <Form class="search" onSubmit={() => setFault(find(text.trim()))} label={title}>
      <TextField label={label} value={text} onInput={setText} mono type="search" fault={fault} />
      <Button kind="primary" type="submit" icon="search">
        {button}
      </Button>
    </Form>
  )
}
