import type { TokenAnswer } from 'heliograph/console/api'
import { call } from '../../data/call.ts'
import { useLoaded } from '../../data/use-loaded.ts'
import { Dangerous } from '../../parts/dangerous.tsx'
import { Notice, sentence } from '../../parts/notice.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { Search } from '../../parts/search.tsx'
import { State } from '../../parts/state.tsx'
import { Facts } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { say } from '../../parts/toasts.tsx'
import { Empty, View } from '../../parts/view.tsx'
import { addressOf } from '../../routing/address.ts'
import { go } from '../../routing/place.ts'
import type { ViewProps } from '../../routing/view.ts'

type Opened = Extract<TokenAnswer, { opens: true }>

export function TokensPage({ rest: [token] }: ViewProps) {
  const input = token === undefined ? undefined : { params: { token } }
  const loaded = useLoaded('GET /api/tokens/:token', input)
  return (
    <Page
      title="Tokens"
      lead="What a device token is: whose, for which topic, made with which key, and what a provider would hear."
    >
      <Search
        title="Inspect a token"
        label="Device token"
        button="Inspect"
        text={token ?? ''}
        find={goTo}
      />
      {token === undefined ? (
        <Card>
          <Empty icon="token" title="No token chosen">
            A device token has 64 hex digits. A device gets one for each topic, and gives it to its
            provider.
          </Empty>
        </Card>
      ) : (
        <View of={loaded} what="the token">
          {(answer) =>
            answer.opens ? (
              <TokenCard token={token} of={answer} onChange={loaded.reload} />
            ) : (
              <Notice tone="warn" live>
                <p>
                  <strong>This is not a token of this deployment.</strong>
                </p>
                <p>{sentence(answer.why)}</p>
              </Notice>
            )
          }
        </View>
      )}
    </Page>
  )
}

const goTo = (token: string) => {
  if (token === '') return 'Enter a device token first.'
  go(addressOf(['tokens', token]))
  return undefined
}

const deviceStates = {
  active: ['good', 'Active'],
  revoked: ['bad', 'Revoked'],
  unknown: ['warn', 'Not on record'],
} as const

const registrationStates = {
  live: ['good', 'Live'],
  dead: ['bad', 'Dead'],
  none: ['warn', 'None'],
} as const

const keyStates = {
  primary: ['good', 'Primary: new tokens are made with it'],
  accepted: ['good', 'Accepted: devices get new tokens when they next connect'],
  retired: ['bad', 'Retired: it opens no token any more'],
} as const

function TokenCard(props: {
  readonly token: string
  readonly of: Opened
  readonly onChange: () => void
}) {
  const { token, of, onChange } = props
  const { topic, answer, explanation, registration } = of
  const good = answer === '200'
  const send = new URLSearchParams({ token, ...(topic !== undefined && { topic }) })
  return (
    <Card
      title="A provider would hear"
      actions={
        <>
          <a class="button" href={`/send?${send.toString()}`}>
            Send to it
          </a>
          {registration === 'live' && topic !== undefined && (
            <Expire token={token} topic={topic} onDone={onChange} />
          )}
        </>
      }
    >
      <Notice tone={good ? 'good' : 'bad'} live>
        <p>
          <strong>{good ? '200, accepted' : answer}</strong>
        </p>
        <p>{explanation.meaning}</p>
        <p>{explanation.advice}</p>
      </Notice>
      <TokenFacts {...of} />
    </Card>
  )
}

function TokenFacts({ deviceId, device, topic, topicHash, key, registration, since }: Opened) {
  const state = ([tone, text]: readonly ['good' | 'bad' | 'warn', string]) => (
    <State tone={tone}>{text}</State>
  )
  return (
    <Facts
      of={[
        {
          name: 'Device',
          value: (
            <>
              <a class="mono" href={addressOf(['devices', deviceId])}>
                {deviceId}
              </a>{' '}
              {state(deviceStates[device])}
            </>
          ),
        },
        {
          name: 'Topic',
          value:
            topic === undefined ? (
              <>
                unknown: no registration and no credential names it{' '}
                <span class="mono soft">(hash {topicHash})</span>
              </>
            ) : (
              <span class="mono">{topic}</span>
            ),
        },
        {
          name: 'Registration',
          value: (
            <>
              {state(registrationStates[registration])}
              {since !== undefined && (
                <>
                  {' '}
                  since <Time at={since} />
                </>
              )}
            </>
          ),
        },
        {
          name: 'Token key',
          value: (
            <>
              <span class="mono">{key.id}</span> {state(keyStates[key.state])}
            </>
          ),
        },
      ]}
    />
  )
}

function Expire(props: {
  readonly token: string
  readonly topic: string
  readonly onDone: () => void
}) {
  const { token, topic, onDone } = props
  return (
    <Dangerous
      button="Expire"
      title="End this token?"
      name={topic}
      nameOf="topic"
      confirm="Expire the token"
      work={async (confirm) => {
        await call('POST /api/tokens/:token/expire', { params: { token }, body: { confirm } })
        say('Ended the token.')
        onDone()
      }}
    >
      <p>
        Providers hear 410 ExpiredToken within 5 seconds, and what waits for the device is dropped.
        The device may register for the topic again, and gets the same token until the token key
        rotates.
      </p>
    </Dangerous>
  )
}
