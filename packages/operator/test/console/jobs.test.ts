import { expect, test } from 'vitest'
import type { Job } from '../../src/console/api.ts'
import { Jobs } from '../../src/console/jobs.ts'
import { MAX_JOBS } from '../../src/console/limits.ts'
import type { QueueWork } from '../../src/operations/dead-letters.ts'

function jobsOf(): Jobs {
  let [now, id] = [0, 0]
  return new Jobs({ now: () => ++now, newId: () => String(++id) })
}

const order = { kind: 'redrive', queue: 'notifications', total: 3 } as const

/** Work that goes on until it is told to end. */
function untilEnded() {
  let given: QueueWork | undefined
  let finish: (fault?: unknown) => void = () => {}
  const run = (work: QueueWork) => {
    given = work
    work.stop.addEventListener('abort', () => finish())
    return new Promise<void>((resolve, reject) => {
      finish = (fault) => (fault === undefined ? resolve() : reject(fault))
    })
  }
  return { run, work: () => given as QueueWork, finish: (fault?: unknown) => finish(fault) }
}

async function heardOf(jobs: Jobs, id: string): Promise<Job[]> {
  const heard: Job[] = []
  await jobs.follow(id, (job) => heard.push(job), new AbortController().signal)
  return heard
}

test('a job is followed from where it is to its end', async () => {
  const jobs = jobsOf()
  const { run, work, finish } = untilEnded()
  const { id } = jobs.start({ ...order, run })
  work().progress(1, 0)
  const following = heardOf(jobs, id)
  await Promise.resolve()
  work().progress(2, 1)
  finish()
  const heard = await following
  expect(heard[0]).toMatchObject({ state: 'running', done: 1, total: 3 })
  expect(heard.at(-1)).toMatchObject({ state: 'done', done: 2, left: 1, endedAt: 2 })
  expect(await heardOf(jobs, id)).toHaveLength(1)
})

test('a job that is cancelled says so, and what it did stays done', async () => {
  const jobs = jobsOf()
  const { run, work } = untilEnded()
  const { id } = jobs.start({ ...order, run })
  work().progress(1, 0)
  expect(jobs.cancel(id)).toMatchObject({ state: 'cancelling' })
  expect((await heardOf(jobs, id)).at(-1)).toMatchObject({ state: 'cancelled', done: 1 })
  expect(jobs.cancel(id)).toMatchObject({ state: 'cancelled' })
})

test('a job that fails says why', async () => {
  const jobs = jobsOf()
  const { run, finish } = untilEnded()
  const { id } = jobs.start({ ...order, run })
  finish(Object.assign(new Error('no'), { name: 'AccessDeniedException' }))
  expect((await heardOf(jobs, id)).at(-1)).toMatchObject({
    ...{ state: 'failed', error: { kind: 'refused' } },
  })
})

test('one queue is worked on once at a time', async () => {
  const jobs = jobsOf()
  const { run, finish } = untilEnded()
  const { id } = jobs.start({ ...order, run })
  expect(() => jobs.start({ ...order, kind: 'drop', run: async () => {} })).toThrow('already')
  expect(jobs.start({ ...order, queue: 'events', run: async () => {} }).state).toBe('running')
  expect(jobs.isBusy).toBe(true)
  finish()
  await heardOf(jobs, id)
  expect(jobs.isBusy).toBe(false)
  jobs.start({ ...order, run: async () => {} })
})

test('a follower that has left is told nothing more', async () => {
  const jobs = jobsOf()
  const { run, work } = untilEnded()
  const { id } = jobs.start({ ...order, run })
  const leaving = new AbortController()
  const heard: Job[] = []
  const following = jobs.follow(id, (job) => heard.push(job), leaving.signal)
  leaving.abort()
  await following
  work().progress(1, 0)
  expect(heard).toHaveLength(1)
})

test('old jobs are forgotten, and none that runs', async () => {
  const jobs = jobsOf()
  const { run } = untilEnded()
  const { id } = jobs.start({ ...order, run })
  for (let many = 0; many < MAX_JOBS + 5; many += 1) {
    const other = jobs.start({ ...order, queue: 'events', run: async () => {} })
    await heardOf(jobs, other.id)
  }
  expect(jobs.list()).toHaveLength(MAX_JOBS)
  expect(jobs.list().at(-1)?.id).toBe(id)
})
