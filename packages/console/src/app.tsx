import type { ComponentType } from 'preact'
import { useEffect } from 'preact/hooks'
import { useEnded } from './data/session.ts'
import { DeadLettersPage } from './pages/dead-letters/dead-letters.tsx'
import { DevicesPage } from './pages/devices/devices.tsx'
import { DoctorPage } from './pages/doctor/doctor.tsx'
import { EventsPage } from './pages/events/events.tsx'
import { NotFoundPage } from './pages/not-found.tsx'
import { NotificationPage } from './pages/notification/notification.tsx'
import { OverviewPage } from './pages/overview/overview.tsx'
import { ProvidersPage } from './pages/providers/providers.tsx'
import { SendPage } from './pages/send/send.tsx'
import { TokensPage } from './pages/tokens/tokens.tsx'
import { partsOf } from './routing/address.ts'
import { followLinks, usePlace } from './routing/place.ts'
import type { ViewProps } from './routing/view.ts'
import { ProvideSurroundings, useReadSurroundings } from './shell/deployment.tsx'
import { EndedView } from './shell/ended.tsx'
import type { SectionPath } from './shell/sections.ts'
import { Shell } from './shell/shell.tsx'

const views: Readonly<Record<SectionPath, ComponentType<ViewProps>>> = {
  '': OverviewPage,
  send: SendPage,
  notifications: NotificationPage,
  devices: DevicesPage,
  tokens: TokensPage,
  providers: ProvidersPage,
  'dead-letters': DeadLettersPage,
  events: EventsPage,
  doctor: DoctorPage,
}

export function App() {
  const { path, query } = usePlace()
  const surroundings = useReadSurroundings()
  const ended = useEnded()
  useEffect(() => {
    document.addEventListener('click', followLinks)
    return () => document.removeEventListener('click', followLinks)
  }, [])
  if (ended) return <EndedView how={ended} />
  const [section = '', ...rest] = partsOf(path) ?? ['?']
  const View = Object.hasOwn(views, section) ? views[section as SectionPath] : NotFoundPage
  return (
    <ProvideSurroundings value={surroundings}>
      <Shell section={section}>
        <View path={path} rest={rest} query={query} key={path} />
      </Shell>
    </ProvideSurroundings>
  )
}
