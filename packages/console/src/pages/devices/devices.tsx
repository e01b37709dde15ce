import type { DeviceListed } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { useLoaded } from '../../data/use-loaded.ts'
import { Button } from '../../parts/button.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { Search } from '../../parts/search.tsx'
import { State } from '../../parts/state.tsx'
import { Table } from '../../parts/table.tsx'
import { Ago, Time } from '../../parts/time.tsx'
import { Empty, View } from '../../parts/view.tsx'
import { addressOf, withQuery } from '../../routing/address.ts'
import { go } from '../../routing/place.ts'
import type { ViewProps } from '../../routing/view.ts'
import { plural } from '../../words/numbers.ts'
import { DevicePage } from './device.tsx'
import { InviteDialog } from './invite.tsx'

export function DevicesPage(props: ViewProps) {
  const [id] = props.rest
  return id === undefined ? <DeviceList {...props} /> : <DevicePage id={id} />
}

const FEW = 100
const MANY = 1000

function DeviceList({ path, query }: ViewProps) {
  const limit = query.get('limit') === String(MANY) ? MANY : FEW
  const loaded = useLoaded('GET /api/devices', { query: { limit: String(limit) } })
  const [inviting, setInviting] = useState(false)
  return (
    <Page
      title="Devices"
      lead="Every device that has activated itself, the newest first."
      actions={<Button onClick={() => setInviting(true)}>Invite devices</Button>}
    >
      <Search title="Find a device" label="Device id or device token" button="Find" find={goTo} />
      <Card flush>
        <View of={loaded} what="the devices">
          {({ devices, more }) => (
            <>
              <DeviceTable devices={devices} />
              {more && (
                <div class="card-body">
                  <p class="soft">
                    These are {plural(devices.length, 'device')} of more. Find others by their id.
                  </p>
                  {limit === FEW && (
                    <div class="actions">
                      <Button onClick={() => go(withQuery(path, query, { limit: String(MANY) }))}>
                        Show up to {MANY}
                      </Button>
                    </div>
                  )}
                </div>
              )}
            </>
          )}
        </View>
      </Card>
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
    </Page>
  )
}

const goTo = (text: string) => {
  if (/^[0-9a-f]{64}$/i.test(text)) go(addressOf(['tokens', text]))
  else if (/^[0-9a-z]{16}$/i.test(text)) go(addressOf(['devices', text.toLowerCase()]))
  else return 'A device id has 16 letters and digits, a device token 64 hex digits.'
  return undefined
}

function DeviceTable({ devices }: { readonly devices: readonly DeviceListed[] }) {
  if (devices.length === 0)
    return (
      <Empty icon="device" title="No device yet">
        Invite devices to get activation codes, and have a device activate itself with one.
      </Empty>
    )
  return (
    <Table
      caption="Devices"
      rows={devices}
      keyOf={({ deviceId }) => deviceId}
      columns={[
        {
          title: 'Device',
          cell: ({ deviceId }) => (
            <a class="mono" href={addressOf(['devices', deviceId])}>
              {deviceId}
            </a>
          ),
        },
        { title: 'State', cell: stateOf },
        { title: 'Activated', cell: ({ activatedAt }) => <Time at={activatedAt} /> },
        { title: 'Certificate until', cell: validityOf },
      ]}
    />
  )
}

function stateOf({ revokedAt }: DeviceListed) {
  if (revokedAt === undefined) return <State tone="good">Active</State>
  return (
    <>
      <State tone="bad">Revoked</State> <Ago at={revokedAt} />
    </>
  )
}

function validityOf({ certificates: [newest] }: DeviceListed) {
  return newest ? <Time at={newest.notAfter} /> : 'none'
}
