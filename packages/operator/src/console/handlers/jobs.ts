import type { Handlers, StreamHandlers } from '../http/router.ts'
import { patience } from '../limits.ts'
import type { ConsoleWorld } from '../world.ts'

export function jobHandlers({
  jobs,
}: ConsoleWorld): Pick<Handlers, 'GET /api/jobs' | 'POST /api/jobs/:id/cancel'> {
  return {
    'GET /api/jobs': { seconds: patience.read, answer: async () => ({ jobs: jobs.list() }) },
    'POST /api/jobs/:id/cancel': {
      seconds: patience.read,
      answer: async ({ params }) => jobs.cancel(params.id),
    },
  }
}

export function jobStreams({
  jobs,
}: ConsoleWorld): Pick<StreamHandlers, 'GET /api/jobs/:id/events'> {
  return {
    'GET /api/jobs/:id/events': ({ params }, { send, closed }) =>
      jobs.follow(params.id, (job) => send('job', job), closed),
  }
}
