import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { call } from '../data/call.ts'
import { reportEnd } from '../data/session.ts'
import { useAct } from '../data/use-act.ts'
import { Button, IconButton } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { Tip } from '../parts/tip.tsx'
import { Toasts } from '../parts/toasts.tsx'
import { useSurroundings } from './deployment.tsx'
import { sections } from './sections.ts'
import { ThemeChoice } from './theme.tsx'

/** The frame around every view. */
export function Shell(props: { readonly section: string; readonly children: ComponentChildren }) {
  const [open, setOpen] = useState(false)
  const { section, children } = props
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <div class="shell">
        <header class="aside">
          <Brand />
          <Menu section={section} />
        </header>
        <div class="main">
          <header class="topbar">
            <Brand />
            <IconButton icon="menu" label="Menu" onClick={() => setOpen(true)} />
          </header>
          <main id="main" tabIndex={-1}>
            {children}
          </main>
        </div>
      </div>
      {open && <Drawer section={section} onClose={() => setOpen(false)} />}
      <Toasts />
      <Tip />
    </>
  )
}

function Menu({ section }: { readonly section: string }) {
  return (
    <>
      <Target />
      <nav class="nav" aria-label="Views">
        {sections.map((group) => (
          <ul key={group[0].path}>
            {group.map(({ name, path, icon }) => (
              <li key={path}>
                <a href={`/${path}`} aria-current={path === section ? 'page' : undefined}>
                  <Icon name={icon} />
                  {name}
                </a>
              </li>
            ))}
          </ul>
        ))}
      </nav>
      <Foot />
    </>
  )
}

function Brand() {
  return (
    <a class="brand" href="/">
      <img src="/icon.svg" alt="" width="28" height="28" />
      Heliograph
    </a>
  )
}

const targets = {
  embedded: 'Embedded cloud',
  machine: 'One machine',
  aws: 'AWS',
} as const

function Target() {
  const { session, deployment } = useSurroundings()
  const stage = deployment.value?.stage ?? session.value?.stage
  return (
    <div class="target">
      <span class="soft small">{session.value ? targets[session.value.target] : 'Target'}</span>
      <b>{stage ?? (deployment.fault ? 'does not answer' : '…')}</b>
    </div>
  )
}

function Foot() {
  const { session } = useSurroundings()
  const end = useAct(async () => {
    await call('POST /api/session/end', { body: {} })
    reportEnd('stopped')
  })
  return (
    <div class="aside-foot">
      <ThemeChoice />
      <div class="actions">
        <Button kind="quiet" size="small" busy={end.busy} onClick={() => void end.run()}>
          End the console
        </Button>
        {session.value && <span class="soft small">{session.value.version}</span>}
      </div>
    </div>
  )
}

/** The menu where there is no room beside the view. */
function Drawer(props: { readonly section: string; readonly onClose: () => void }) {
  const { section, onClose } = props
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const { current } = dialog
    current?.showModal()
    return () => current?.close()
  }, [])
  const leave = ({ target }: MouseEvent) => {
    const outside = target === dialog.current
    if (outside || (target instanceof Element && target.closest('a'))) onClose()
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard, Escape closes a dialog, and a link is followed by Enter, which is a click
    <dialog class="drawer" ref={dialog} aria-label="Menu" onClose={onClose} onClick={leave}>
      <div class="drawer-head">
        <Brand />
        <IconButton icon="cross" label="Close" onClick={onClose} />
      </div>
      <Menu section={section} />
    </dialog>
  )
}
