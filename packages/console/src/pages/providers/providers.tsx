import type { ComponentType } from 'preact'
import { Page } from '../../parts/page.tsx'
import { LinkTabs } from '../../parts/tabs.tsx'
import type { ViewProps } from '../../routing/view.ts'
import { NotFoundPage } from '../not-found.tsx'
import { Certificates } from './certificates.tsx'
import { CheckToken } from './check-token.tsx'
import { Keys } from './keys.tsx'

const tabs: readonly {
  readonly name: string
  readonly text: string
  readonly View: ComponentType
}[] = [
  { name: '', text: 'Certificates', View: Certificates },
  { name: 'keys', text: 'Keys', View: Keys },
  { name: 'check', text: 'Check a provider token', View: CheckToken },
]

export function ProvidersPage({ rest: [name = ''] }: ViewProps) {
  const current = tabs.find((tab) => tab.name === name)
  if (!current) return <NotFoundPage />
  const links = tabs.map((tab) => ({
    text: tab.text,
    to: tab.name === '' ? '/providers' : `/providers/${tab.name}`,
    current: tab === current,
  }))
  return (
    <Page
      title="Providers"
      lead="Who may send: with a client certificate, or with tokens that are signed by a provider key."
    >
      <LinkTabs label="Providers" tabs={links} />
      <current.View />
    </Page>
  )
}
