import { useState } from 'preact/hooks'
import { Code } from '../../parts/copy.tsx'
import { Card } from '../../parts/page.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { aioapnsCode } from './code/aioapns.ts'
import { curlCommand } from './code/curl.ts'
import { nodeApnCode } from './code/node-apn.ts'
import { pushyCode } from './code/pushy.ts'
import type { SendRequest } from './code/request.ts'

const forms = {
  curl: { text: 'curl', write: curlCommand },
  'node-apn': { text: 'node-apn', write: nodeApnCode },
  aioapns: { text: 'aioapns (Python)', write: aioapnsCode },
  pushy: { text: 'pushy (Java)', write: pushyCode },
} as const

type FormName = keyof typeof forms

/** The same notification as a command, and as code for libraries that providers have. */
export function CodeCard({ request }: { readonly request: SendRequest }) {
  const [form, setForm] = useState<FormName>('curl')
  const { text, write } = forms[form]
  return (
    <Card title="The same by other means">
      <Tabs
        label="Form"
        tabs={Object.entries(forms).map(([id, one]) => [id, one.text])}
        value={form}
        onChange={(id) => setForm(id as FormName)}
      >
        <div class="stack-small">
          <Code text={write(request)} what={text} />
          <p class="soft small">{filesText(request)}</p>
        </div>
      </Tabs>
    </Card>
  )
}

function filesText({ credential, privateAuthority }: SendRequest): string {
  const identity =
    credential.kind === 'certificate'
      ? 'app.pem, app.key and app.p12 are what Providers issues'
      : 'The .p8 file is what Providers makes; for curl, PROVIDER_TOKEN is a token that it has signed'
  return privateAuthority ? `${identity}; ca.pem is the CA of the edge.` : `${identity}.`
}
