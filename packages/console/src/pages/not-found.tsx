import { Page } from '../parts/page.tsx'
import { Empty } from '../parts/view.tsx'

export function NotFoundPage() {
  return (
    <Page title="No such view">
      <Empty icon="search" title="There is nothing at this address">
        Choose a view from the menu, or begin at the <a href="/">overview</a>.
      </Empty>
    </Page>
  )
}
