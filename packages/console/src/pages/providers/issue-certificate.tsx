import type { CertificateIssued } from 'heliograph/console/api'
import { useState } from 'preact/hooks'
import { call } from '../../data/call.ts'
import { useAct } from '../../data/use-act.ts'
import { Button } from '../../parts/button.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { CheckField, Form, TextField } from '../../parts/field.tsx'
import { Failed } from '../../parts/notice.tsx'
import { Facts } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { Downloads } from './downloads.tsx'
import { TopicsField, topicsIn } from './topics.tsx'

const DEFAULT_DAYS = '398'

export function IssueDialog(props: {
  readonly onClose: () => void
  readonly onIssued: (issued: CertificateIssued) => void
}) {
  const { onClose, onIssued } = props
  const [topics, setTopics] = useState('')
  const [days, setDays] = useState(DEFAULT_DAYS)
  const [use, setUse] = useState(true)
  const [asked, setAsked] = useState(false)
  const issue = useAct(async () => {
    const body = { topics: topicsIn(topics), days: Number(days), use }
    onIssued(await call('POST /api/providers/certificates', { body }))
  })
  const submit = () => {
    setAsked(true)
    if (topicsIn(topics).length > 0) void issue.run()
  }
  return (
    <Dialog title="Issue a certificate" onClose={onClose}>
      <Form onSubmit={submit}>
        <TopicsField value={topics} onInput={setTopics} asked={asked} />
        <TextField
          label="Valid for days"
          value={days}
          onInput={setDays}
          inputMode="numeric"
          hint="1 to 3,650"
        />
        <CheckField label="Also use it here, to send" checked={use} onChange={setUse} />
        {issue.fault && <Failed fault={issue.fault} />}
        <div class="actions" data-end>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={issue.busy}>
            Issue
          </Button>
        </div>
      </Form>
    </Dialog>
  )
}

export function IssuedDialog(props: {
  readonly issued: CertificateIssued
  readonly onClose: () => void
}) {
  const { issued, onClose } = props
  const { certificate, files, passphrase } = issued
  return (
    <Dialog title="The certificate is issued" onClose={onClose}>
      <Downloads files={files} />
      <Facts
        of={[
          passphrase !== undefined && {
            name: 'Passphrase of the .p12',
            value: <Copyable text={passphrase} what="passphrase" />,
          },
          { name: 'Topics', value: certificate.topics.join(', ') },
          { name: 'Valid until', value: <Time at={certificate.notAfter} /> },
        ]}
      />
      <div class="actions" data-end>
        <Button onClick={onClose}>I have saved them</Button>
      </div>
    </Dialog>
  )
}
