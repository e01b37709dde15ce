import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './icon.tsx'
import { useSlow } from './waiting.tsx'

export interface ButtonProps {
  readonly children: ComponentChildren
  readonly kind?: 'primary' | 'danger' | 'danger-final' | 'quiet'
  readonly size?: 'small'
  readonly icon?: IconName
  readonly type?: 'submit'
  /** The work that it started is under way. */
  readonly busy?: boolean
  /** It stays in the tab order, and says that it is disabled. */
  readonly disabled?: boolean
  /** What it is about, where several buttons have the same text. */
  readonly about?: string | undefined
  readonly onClick?: (() => void) | undefined
}

export function Button(props: ButtonProps) {
  const { children, kind, size, icon, type = 'button', busy = false, about, onClick } = props
  const slow = useSlow(busy)
  const off = busy || props.disabled === true
  const press = (event: Event) => {
    if (!off) return onClick?.()
    event.preventDefault()
  }
  return (
    <button
      type={type}
      class="button"
      data-kind={kind}
      data-size={size}
      aria-disabled={off ? 'true' : undefined}
      onClick={press}
    >
      {slow ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      <span>
        {children}
        {about && <span class="unseen"> {about}</span>}
      </span>
    </button>
  )
}

/** A button that shows only its icon. */
export function IconButton(props: {
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
}) {
  return (
    <button
      type="button"
      class="button"
      data-kind="quiet"
      data-size="small"
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  )
}
