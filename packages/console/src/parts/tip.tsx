import { useEffect, useRef } from 'preact/hooks'

const TIP_ID = 'tip'

/** The one tip of the page: it shows what `data-tip` says of what is under the pointer or has the focus. */
export function Tip() {
  const tip = useRef<HTMLDivElement>(null)
  useEffect(() => (tip.current ? listen(tip.current) : undefined), [])
  return <div class="tip" role="tooltip" id={TIP_ID} ref={tip} hidden />
}

function listen(tip: HTMLElement): () => void {
  let owner: Element | undefined
  const hide = () => {
    owner?.removeAttribute('aria-describedby')
    owner = undefined
    tip.hidden = true
  }
  const show = ({ target }: Event) => {
    const next = target instanceof Element ? target.closest('[data-tip]') : null
    // the pointer may move onto the tip (WCAG 1.4.13)
    if (next === null && target instanceof Node && tip.contains(target)) return
    if (next === (owner ?? null)) return
    hide()
    if (!next) return
    owner = next
    owner.setAttribute('aria-describedby', TIP_ID)
    tip.textContent = next.getAttribute('data-tip')
    tip.hidden = false
    place(tip, next.getBoundingClientRect())
  }
  const dismiss = ({ key }: KeyboardEvent) => key === 'Escape' && hide()
  const stop = new AbortController()
  const { signal } = stop
  document.addEventListener('pointerover', show, { signal })
  document.addEventListener('focusin', show, { signal })
  document.addEventListener('keydown', dismiss, { signal })
  document.addEventListener('scroll', hide, { signal, capture: true, passive: true })
  return () => stop.abort()
}

const GAP = 6

/** Below what it describes, or above it where there is no room; never outside the window. */
function place(tip: HTMLElement, about: DOMRect): void {
  const { width, height } = tip.getBoundingClientRect()
  const below = about.bottom + GAP + height < window.innerHeight
  const left = Math.max(
    GAP,
    Math.min(about.left, document.documentElement.clientWidth - width - GAP),
  )
  tip.style.left = `${left}px`
  tip.style.top = `${below ? about.bottom + GAP : about.top - height - GAP}px`
}
