import type { DeviceAnswer, RegistrationView } from 'heliograph/console/api'
import { call } from '../../data/call.ts'
import { useLoaded } from '../../data/use-loaded.ts'
import { Button } from '../../parts/button.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Dangerous } from '../../parts/dangerous.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { Facts, Table } from '../../parts/table.tsx'
import { Ago, Time } from '../../parts/time.tsx'
import { say } from '../../parts/toasts.tsx'
import { Empty, View } from '../../parts/view.tsx'
import { addressOf } from '../../routing/address.ts'
import { count, plural } from '../../words/numbers.ts'

/** A device: its connection, its certificates, what it is registered for and what waits for it. */
export function DevicePage({ id }: { readonly id: string }) {
  const loaded = useLoaded('GET /api/devices/:id', { params: { id } })
  const { value, busy, reload } = loaded
  return (
    <Page
      title={`Device ${id}`}
      lead={<a href="/devices">All devices</a>}
      actions={
        <>
          <Button icon="refresh" busy={busy} onClick={reload}>
            Read again
          </Button>
          {value && value.device.revokedAt === undefined && (
            <Revoke id={value.device.deviceId} onDone={reload} />
          )}
        </>
      }
    >
      <View of={loaded} what="the device">
        {(answer) => (
          <>
            <div class="columns">
              <Connection {...answer} />
              <Certificates {...answer} />
            </div>
            <Registrations {...answer} onChange={reload} />
            <Pending {...answer} />
          </>
        )}
      </View>
    </Page>
  )
}

function Connection({ device, presence }: DeviceAnswer) {
  return (
    <Card title="Connection">
      <Facts
        of={[
          { name: 'Device id', value: <Copyable text={device.deviceId} what="device id" /> },
          {
            name: 'State',
            value:
              device.revokedAt === undefined ? (
                <State tone="good">Active</State>
              ) : (
                <>
                  <State tone="bad">Revoked</State> <Time at={device.revokedAt} />
                </>
              ),
          },
          { name: 'Connection', value: <Presence of={presence} /> },
          { name: 'Activated', value: <Time at={device.activatedAt} /> },
        ]}
      />
    </Card>
  )
}

function Presence({ of }: { readonly of: DeviceAnswer['presence'] }) {
  if (!of) return <State tone="plain">Unknown: never seen, or gone for a while</State>
  return (
    <>
      {of.connected ? (
        <State tone="good" icon="live">
          Connected
        </State>
      ) : (
        <State tone="plain">Not connected</State>
      )}
      {of.since !== undefined && (
        <>
          {' '}
          since <Time at={of.since} />
        </>
      )}
      {of.disconnectReason !== undefined && <div class="soft small">{of.disconnectReason}</div>}
    </>
  )
}

function Certificates({ device: { certificates } }: DeviceAnswer) {
  return (
    <Card title="Certificates" flush>
      {certificates.length === 0 ? (
        <Empty icon="key" title="No certificate">
          None is on record.
        </Empty>
      ) : (
        <Table
          caption="Certificates"
          rows={certificates}
          keyOf={({ certificateId }) => certificateId}
          columns={[
            {
              title: 'Certificate',
              cell: ({ certificateId }) => (
                <Copyable text={certificateId} what="certificate id">
                  {certificateId.slice(0, 16)}
                  {certificateId.length > 16 && '…'}
                </Copyable>
              ),
            },
            { title: 'Until', cell: ({ notAfter }) => <Time at={notAfter} /> },
          ]}
        />
      )}
    </Card>
  )
}

function Registrations(props: DeviceAnswer & { readonly onChange: () => void }) {
  const { device, registrations, onChange } = props
  if (registrations.length === 0)
    return (
      <Card title="Registrations">
        <Empty icon="token" title="Not registered for any topic">
          The device gets a token for a topic when its app asks for one.
        </Empty>
      </Card>
    )
  return (
    <Card title="Registrations" flush>
      <Table
        caption="Registrations"
        rows={registrations}
        keyOf={({ topic }) => topic}
        columns={[
          { title: 'Topic', cell: ({ topic }) => <span class="mono">{topic}</span> },
          { title: 'State', cell: registrationState },
          { title: 'Registered', cell: ({ registeredAt }) => <Time at={registeredAt} /> },
          {
            title: 'Actions',
            actions: true,
            cell: ({ topic, live }) =>
              live && <Expire deviceId={device.deviceId} topic={topic} onDone={onChange} />,
          },
        ]}
      />
    </Card>
  )
}

function registrationState({ live, unregisteredAt, expiredAt }: RegistrationView) {
  if (live) return <State tone="good">Live</State>
  const byOperator = expiredAt !== undefined && expiredAt === unregisteredAt
  return (
    <>
      <State tone="plain">{byOperator ? 'Expired by the operator' : 'Unregistered'}</State>{' '}
      {unregisteredAt !== undefined && <Ago at={unregisteredAt} />}
    </>
  )
}

function Pending({ pending }: DeviceAnswer) {
  return (
    <Card title="Waiting for the device" flush>
      {pending.length === 0 ? (
        <Empty icon="check" title="Nothing waits">
          While the device is offline, the newest notification of each topic waits here.
        </Empty>
      ) : (
        <Table
          caption="Pending notifications"
          rows={pending}
          keyOf={({ topic, id }) => `${topic} ${id}`}
          columns={[
            { title: 'Topic', cell: ({ topic }) => <span class="mono">{topic}</span> },
            {
              title: 'Notification',
              cell: ({ id }) => (
                <a class="mono" href={addressOf(['notifications', id])}>
                  {id}
                </a>
              ),
            },
            { title: 'Accepted', cell: ({ acceptedAt }) => <Time at={acceptedAt} /> },
            { title: 'Expires', cell: ({ expiresAt }) => <Ago at={expiresAt} /> },
            { title: 'Type', cell: ({ pushType, priority }) => `${pushType}, ${priority}` },
            { title: 'Size', align: 'end', cell: ({ size }) => `${count(size)} bytes` },
          ]}
        />
      )}
    </Card>
  )
}

function Revoke({ id, onDone }: { readonly id: string; readonly onDone: () => void }) {
  return (
    <Dangerous
      button="Revoke"
      title="Revoke this device for good?"
      name={id}
      nameOf="device id"
      confirm="Revoke the device"
      work={async (confirm) => {
        const { topics, certificates } = await call('POST /api/devices/:id/revoke', {
          params: { id },
          body: { confirm },
        })
        say(
          `Revoked ${id}: ${plural(certificates, 'certificate')} and ${plural(topics.length, 'token')}.`,
        )
        onDone()
      }}
    >
      <p>
        Its certificates no longer let it in, its connection ends, and its tokens die: providers
        hear 410. It cannot be taken back; the machine can activate itself as a new device.
      </p>
    </Dangerous>
  )
}

function Expire(props: {
  readonly deviceId: string
  readonly topic: string
  readonly onDone: () => void
}) {
  const { deviceId, topic, onDone } = props
  return (
    <Dangerous
      button="Expire"
      size="small"
      about={`the token for ${topic}`}
      title="End this token?"
      name={topic}
      nameOf="topic"
      confirm="Expire the token"
      work={async (confirm) => {
        const params = { id: deviceId }
        await call('POST /api/devices/:id/expire', { params, body: { topic, confirm } })
        say(`Ended the token for ${topic}.`)
        onDone()
      }}
    >
      <p>
        Providers hear 410 ExpiredToken within 5 seconds, and what waits for the device is dropped.
        The device may register for the topic again.
      </p>
    </Dangerous>
  )
}
