import { TOKEN_KEY_BYTES } from '@heliograph/core/token/token'
import { listTokenKeys } from '../operations/token-keys.ts'
import { count, spanText } from '../report.ts'
import { type Check, ok, problem, warning } from './finding.ts'

/** The schedule makes a key every 90 days; a month more means that it does not run. */
const OVERDUE_MS = 120 * 24 * 3600_000

/** The ring has a primary key, every live key unwraps, and the schedule has run. */
export const tokenKeyCheck: Check = {
  name: 'token keys',
  async run({ deployment }) {
    const { ports, clock } = deployment
    const live = (await listTokenKeys(deployment)).filter(({ state }) => state !== 'retired')
    const primary = live.find(({ state }) => state === 'primary')
    if (!primary)
      return [problem('token keys', 'there is no primary key: run heliograph key rotate')]
    const keys = await Promise.all(live.map((key) => ports.tokenKeys.open(key)))
    const damaged = keys.find(({ key }) => key.length !== TOKEN_KEY_BYTES)
    if (damaged)
      return [
        problem('token keys', `key ${damaged.id} does not unwrap to ${TOKEN_KEY_BYTES} bytes`),
      ]
    const age = clock.now() - primary.createdAt
    const detail = `${count(live.length, 'live key')}, all unwrap; the primary one is ${spanText(age)} old`
    return [
      age > OVERDUE_MS
        ? warning('token keys', `${detail}: the rotation schedule does not run`)
        : ok('token keys', detail),
    ]
  },
}
