import { useState } from 'preact/hooks'
import { Choices } from '../parts/field.tsx'
import { Icon } from '../parts/icon.tsx'

const themes = ['system', 'light', 'dark'] as const
type Theme = (typeof themes)[number]

const KEPT_AS = 'heliograph-theme'

function keptTheme(): Theme {
  try {
    const kept = window.localStorage.getItem(KEPT_AS)
    return themes.find((theme) => theme === kept) ?? 'system'
  } catch {
    // a browser may keep nothing
    return 'system'
  }
}

function keep(theme: Theme): void {
  try {
    window.localStorage.setItem(KEPT_AS, theme)
  } catch {
    // it holds for as long as the page does
  }
}

function apply(theme: Theme): void {
  const { dataset } = document.documentElement
  if (theme === 'system') delete dataset.theme
  else dataset.theme = theme
}

/** Before the first paint. */
export function applyKeptTheme(): void {
  apply(keptTheme())
}

const icons = { system: 'screen', light: 'sun', dark: 'moon' } as const

export function ThemeChoice() {
  const [theme, setTheme] = useState(keptTheme)
  const choose = (value: string) => {
    const chosen = themes.find((one) => one === value) ?? 'system'
    setTheme(chosen)
    apply(chosen)
    keep(chosen)
  }
  return (
    <Choices
      label="Colors"
      value={theme}
      onChange={choose}
      options={themes.map((one) => [
        one,
        <span title={`Colors: ${one}`} key={one}>
          <Icon name={icons[one]} />
          <span class="unseen">{one}</span>
        </span>,
      ])}
    />
  )
}
