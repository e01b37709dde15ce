import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type Act, useAct } from '../data/use-act.ts'
import { Button, type ButtonProps } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { Form, TextField } from './field.tsx'
import { Failed } from './notice.tsx'

interface Question {
  readonly title: string
  /** What will happen, and that it cannot be undone. */
  readonly children: ComponentChildren
  /** What has to be typed. */
  readonly name: string
  /** What the name is of: "device id". */
  readonly nameOf: string
  /** "Revoke this device" */
  readonly confirm: string
}

/** A button for something dangerous, which is done once the name has been typed. */
export function Dangerous(
  props: Question &
    Pick<ButtonProps, 'size' | 'about'> & {
      readonly button: string
      /** Gets what was typed, for the server to check. The question goes away when it is done, and stays where it fails. */
      readonly work: (typed: string) => Promise<void>
    },
) {
  const { button, size, about, work } = props
  const [open, setOpen] = useState(false)
  const act = useAct<string>(async (typed) => {
    await work(typed)
    setOpen(false)
  })
  return (
    <>
      <Button kind="danger" {...(size && { size })} about={about} onClick={() => setOpen(true)}>
        {button}
      </Button>
      {open && <Confirm {...props} act={act} onClose={() => setOpen(false)} />}
    </>
  )
}

/** Asks for the name, and acts once it has been typed. */
function Confirm(props: Question & { readonly act: Act<string>; readonly onClose: () => void }) {
  const { title, children, name, nameOf, confirm, act, onClose } = props
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
            {confirm}
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}
