import type { ComponentChildren } from 'preact'
import { Button, IconButton } from './button.tsx'
import { say } from './toasts.tsx'

async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    say(`Copied ${what}.`)
  } catch {
    say('The browser does not let the page copy: select the text instead.')
  }
}

/** A value with a button that copies all of it, also where less is shown. */
export function Copyable(props: {
  readonly text: string
  readonly what: string
  readonly children?: ComponentChildren
}) {
  return (
    <span class="copyable" data-short={props.children !== undefined}>
      <span class="mono">{props.children ?? props.text}</span>
      <IconButton
        icon="copy"
        label={`Copy ${props.what}`}
        onClick={() => void copy(props.text, props.what)}
      />
    </span>
  )
}

/** The longest text that shows without scrolling. */
const MOST_LINES = 22

/** Text to be taken over letter by letter: it can be scrolled and selected by keyboard. */
export function Code({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <div class="code">
      <textarea
        readOnly
        wrap="off"
        spellcheck={false}
        aria-label={what}
        rows={Math.min(text.split('\n').length, MOST_LINES)}
        value={text}
      />
      <Button size="small" icon="copy" about={what} onClick={() => void copy(text, what)}>
        Copy
      </Button>
    </div>
  )
}
