import { clockText, distance, offsetAt, zoneText } from '../words/times.ts'

/** A time of the reader's clock; the tip (tip.tsx) has it in UTC, on hover and on focus. */
export function Time(props: {
  readonly at: number
  /** With milliseconds. */
  readonly precise?: boolean
  /** Without the date. */
  readonly brief?: boolean
}) {
  const { at, precise = false, brief = false } = props
  const offset = offsetAt(at)
  const text = clockText(at, offset)
  const shown = text.slice(brief ? 11 : 0, precise ? undefined : 19)
  const utc = clockText(at, 0)
  const iso = Number.isNaN(new Date(at).getTime()) ? undefined : new Date(at).toISOString()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: by keyboard the time in UTC is read here
    <time class="time" tabIndex={0} dateTime={iso} data-tip={`${utc} UTC`} data-at={at}>
      {shown}
    </time>
  )
}

/** How long ago or ahead; the tip has the time itself. */
export function Ago({ at }: { readonly at: number }) {
  const offset = offsetAt(at)
  const tip = `${clockText(at, offset).slice(0, 19)} ${zoneText(offset)} · ${clockText(at, 0).slice(0, 19)} UTC`
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: by keyboard the time in UTC is read here
    <time class="time" tabIndex={0} dateTime={new Date(at).toISOString()} data-tip={tip}>
      {distance(at, Date.now())}
    </time>
  )
}
