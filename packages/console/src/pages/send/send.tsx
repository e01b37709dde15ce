import type { CredentialView, SendAnswer } from 'heliograph/console/api'
import { useEffect, useState } from 'preact/hooks'
import { call } from '../../data/call.ts'
import { useAct } from '../../data/use-act.ts'
import { useLoaded } from '../../data/use-loaded.ts'
import { Failed } from '../../parts/notice.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { withQuery } from '../../routing/address.ts'
import { go } from '../../routing/place.ts'
import type { ViewProps } from '../../routing/view.ts'
import { useDeployment, useSurroundings } from '../../shell/deployment.tsx'
import { AnswerCard } from './answer.tsx'
import { CodeCard } from './code.tsx'
import { type Draft, draftOf, orderOf, queryOf, requestOf, tokenFault } from './draft.ts'
import { SendForm } from './form.tsx'

/** How long a person pauses before the address follows what was typed. */
const SETTLED_MS = 300

export function SendPage({ path, query }: ViewProps) {
  const [draft, change] = useDraft(path, query)
  const { value, fault, reload } = useLoaded('GET /api/credentials', {})
  const [chosen, choose] = useState<string>()
  const credential = credentialOf(value?.credentials, chosen)
  const [answer, setAnswer] = useState<SendAnswer>()
  const [asked, setAsked] = useState(false)
  const send = useAct(async () => {
    if (!credential) return
    setAnswer(
      await call('POST /api/send', { body: { ...orderOf(draft), credential: credential.id } }),
    )
  })
  const submit = () => {
    setAsked(true)
    if (!tokenFault(draft.token) && credential) void send.run()
  }
  return (
    <Page
      title="Send"
      lead="Send one notification through the provider edge, as a provider does, and read what the answer means."
    >
      <div class="columns">
        <Card title="Notification">
          {fault && <Failed fault={fault} onRetry={reload} />}
          <SendForm
            {...{ draft, change, asked, credential, submit }}
            credentials={value?.credentials}
            onChoose={choose}
            onAdded={(added) => {
              choose(added.id)
              reload()
            }}
            busy={send.busy}
          />
        </Card>
        <div class="stack">
          {send.fault && <Failed fault={send.fault} />}
          {answer && <AnswerCard answer={answer} />}
          <RequestCard draft={draft} credential={credential} />
        </div>
      </div>
    </Page>
  )
}

function RequestCard(props: {
  readonly draft: Draft
  readonly credential: CredentialView | undefined
}) {
  const { session } = useSurroundings()
  const deployment = useDeployment()
  // a stage on AWS has a certificate of ACM
  const privateAuthority = session.value?.target !== 'aws'
  return (
    <CodeCard request={requestOf(props.draft, props.credential, deployment, privateAuthority)} />
  )
}

function credentialOf(all: readonly CredentialView[] | undefined, id: string | undefined) {
  return all?.find((one) => one.id === id) ?? all?.[0]
}

function useDraft(path: string, query: URLSearchParams) {
  const [draft, setDraft] = useState(() => draftOf(query))
  const { demoTopic } = useDeployment() ?? {}
  useEffect(() => {
    if (demoTopic) setDraft((last) => (last.topic === '' ? { ...last, topic: demoTopic } : last))
  }, [demoTopic])
  useEffect(() => {
    const settled = setTimeout(() => {
      // the reader may just have gone elsewhere
      if (window.location.pathname !== path) return
      go(withQuery(path, new URLSearchParams(), queryOf(draft)), { replace: true })
    }, SETTLED_MS)
    return () => clearTimeout(settled)
  }, [draft, path])
  const change = (some: Partial<Draft>) => setDraft((last) => ({ ...last, ...some }))
  return [draft, change] as const
}
