import type { Ended } from '../data/session.ts'
import { Empty } from '../parts/view.tsx'

const texts: Readonly<Record<Ended, readonly [title: string, text: string]>> = {
  session: [
    'This browser has no session',
    'Open the address that heliograph console printed. It works once: for another browser, start the console again.',
  ],
  idle: [
    'The console has ended',
    'Nobody used it for an hour. Start heliograph console again, and open the address that it prints.',
  ],
  stopped: ['The console has ended', 'You can close this tab. heliograph console starts it again.'],
  lost: [
    'The console does not answer',
    'Its process has probably ended. Start heliograph console again, and open the address that it prints.',
  ],
}

/** All that is shown once the server is gone or does not know this browser. */
export function EndedView({ how }: { readonly how: Ended }) {
  const [title, text] = texts[how]
  return (
    <main class="page">
      <h1 class="unseen">Heliograph</h1>
      <div role="alert">
        <Empty icon="cross-circle" title={title}>
          {text}
        </Empty>
      </div>
    </main>
  )
}
