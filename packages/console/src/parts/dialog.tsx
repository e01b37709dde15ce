import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Act } from '../data/use-act.ts'
import { Button, IconButton } from './button.tsx'
import { Form, TextField } from './field.tsx'
import { Failed } from './notice.tsx'

/** Above the page until it is closed; the browser keeps the focus inside and gives it back. */
export function Dialog(props: {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  const { title, onClose, children } = props
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const { current } = dialog
    const before = document.activeElement
    current?.showModal()
    return () => {
      current?.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby={id} onClose={onClose}>
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <IconButton icon="cross" label="Close" onClick={onClose} />
      </div>
      {children}
    </dialog>
  )
}

/** A dangerous act: it is done when its name has been typed. */
export function ConfirmDialog(props: {
  readonly title: string
  /** What will happen, and that it stays so. */
  readonly children: ComponentChildren
  /** What has to be typed. */
  readonly name: string
  /** What the name is of: "device id". */
  readonly nameOf: string
  /** "Revoke this device" */
  readonly button: string
  readonly act: Act<string>
  readonly onClose: () => void
}) {
  const { title, children, name, nameOf, button, act, onClose } = props
  const [typed, setTyped] = useState('')
  const [asked, setAsked] = useState(false)
  const same = typed.trim() === name
  const submit = () => {
    setAsked(true)
    if (same) void act.run(typed.trim())
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <Form onSubmit={submit}>
        {children}
        <p>
          To go on, type the {nameOf}: <strong class="mono">{name}</strong>
        </p>
        <TextField
          label={`Type the ${nameOf}`}
          value={typed}
          onInput={setTyped}
          mono
          fault={asked && !same ? `This is not the ${nameOf} above.` : undefined}
        />
        {act.fault && <Failed fault={act.fault} />}
        <div class="actions" data-end>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger-final" type="submit" busy={act.busy}>
            {button}
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}
