import type { Job } from 'heliograph/console/api'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openBrowser, type Visit, visit } from './chromium.ts'
import {
  type Fake,
  type Handlers,
  openFake,
  Refusal,
  type Say,
  type StreamHandlers,
} from './fake/server.ts'
import { known, overviewParts, streamsOf, worldOf } from './fake/world.ts'

const words = { foreign: '' }

let browser: Browser
let fake: Fake | undefined
let visited: Visit | undefined

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser?.close())
afterEach(async () => {
  await visited?.close()
  await fake?.close()
})

/** The page on a fake that answers some things otherwise. */
async function open(
  address: string,
  handlers: Handlers = {},
  streams: StreamHandlers = {},
): Promise<Page> {
  fake = await openFake({ ...worldOf(words), ...handlers }, { ...streamsOf(words), ...streams })
  visited = await visit(browser, fake.url)
  await visited.page.goto(fake.url + address)
  return visited.page
}

/** A promise that is kept when it is told to. */
function gate() {
  let open: () => void = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}

test('what takes long says so, and then is there', async () => {
  const { passed, open: answer } = gate()
  const page = await open('/devices', {
    'GET /api/devices': () => passed.then(() => ({ devices: [], more: false })),
  })
  await page.getByText('Reading the devices…').waitFor()
  answer()
  await page.getByText('No device yet').waitFor()
  expect(await page.getByText('Reading the devices…').count()).toBe(0)
})

test('what fails says why, and can be tried again', async () => {
  let asked = 0
  const page = await open('/dead-letters', {
    'GET /api/dead-letters': () => {
      asked += 1
      if (asked === 1) throw new Refusal('unreachable', 'the deployment does not answer', 502)
      return { queues: [] }
    },
  })
  await page.getByRole('alert').filter({ hasText: 'The deployment does not answer.' }).waitFor()
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('alert').waitFor({ state: 'detached' })
  expect(asked).toBe(2)
})

test('a time-out says that the work may still be done', async () => {
  const page = await open(`/devices/${known.device}`, {
    'POST /api/devices/:id/revoke': () => {
      throw new Refusal('timeout', 'no answer within 60 seconds', 504)
    },
  })
  await page.getByRole('button', { name: 'Revoke', exact: true }).click()
  await page.getByLabel('Type the device id').fill(known.device)
  await page.getByRole('button', { name: 'Revoke the device' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('No answer within 60 seconds.').waitFor()
  await dialog.getByText('What had begun may still be done').waitFor()
})

test('a browser without a session hears what to do', async () => {
  const page = await open('/', {
    'GET /api/session': () => {
      throw new Refusal('session', 'no session', 401)
    },
  })
  await page.getByText('This browser has no session').waitFor()
})

test('a console that is gone is said to be', async () => {
  const page = await open('/devices')
  await page.getByRole('link', { name: known.device }).waitFor()
  await fake?.close()
  fake = undefined
  await page.getByRole('link', { name: 'Tokens' }).click()
  await page.getByLabel('Device token').fill(known.token)
  await page.getByRole('button', { name: 'Inspect' }).click()
  await page.getByText('The console does not answer').waitFor()
})

test('a console that ends by itself says why', async () => {
  let say: Say = () => {}
  const page = await open(
    '/events',
    {},
    {
      'GET /api/events': (_, tell) => {
        say = tell
        tell('ready', {})
        return undefined
      },
    },
  )
  await page.getByText('Listening').waitFor()
  say('bye', { reason: 'idle' })
  await page.getByText('Nobody used it for an hour').waitFor()
})

test('a part of the overview that fails keeps no other from showing', async () => {
  const page = await open(
    '/',
    {},
    {
      'GET /api/overview/live': (_, say) => {
        const error = { kind: 'timeout', message: 'CloudWatch did not answer within 20 seconds' }
        say('failed', { part: 'queues', at: Date.now(), error })
        for (const part of overviewParts(words)) if (part.part !== 'queues') say('part', part)
        return undefined
      },
    },
  )
  await page.getByText('CloudWatch did not answer within 20 seconds.').waitFor()
  await page.getByText('Put into storage').waitFor()
  await page.getByText('1,284').first().waitFor()
})

test('long work shows how far it is, and can be stopped', async () => {
  let say: Say = () => {}
  const job = { id: 'job-redrive', kind: 'redrive', queue: 'notifications', startedAt: 1, left: 0 }
  const page = await open(
    '/dead-letters/notifications',
    {
      'POST /api/jobs/:id/cancel': () => {
        setImmediate(() => {
          say('job', { ...job, state: 'cancelled', done: 4_200, total: 10_000, endedAt: 2 })
          say('end', {})
        })
        return {
          ...{ id: job.id, kind: 'redrive', queue: job.queue, state: 'cancelling', startedAt: 1 },
          ...{ done: 4_100, left: 0, total: 10_000 },
        }
      },
    },
    {
      'GET /api/jobs/:id/events': (_, tell) => {
        say = tell
        tell('job', { ...job, state: 'running', done: 4_000, total: 10_000 })
        return undefined
      },
    },
  )
  await page.getByRole('button', { name: 'Hand all over once more' }).click()
  await page.getByText('4,000 of about 10,000 letters handed over.').waitFor()
  expect(await page.getByRole('progressbar', { name: 'Progress' }).getAttribute('value')).toBe(
    '4000',
  )
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('4,200 of about 10,000 letters handed over.').waitFor()
  await page.getByText('Stopped').waitFor()
})

test('work that was begun before the page was loaded is found again', async () => {
  const job: Job = {
    ...{ id: 'job-redrive', kind: 'redrive', queue: 'notifications', state: 'running' },
    ...{ startedAt: 1, done: 5, left: 0, total: 10 },
  }
  const page = await open('/dead-letters/notifications', {
    'GET /api/jobs': () => ({ jobs: [job] }),
  })
  await page.getByText('Handing letters over').waitFor()
})

test('events that were missed are said to be', async () => {
  const page = await open(
    '/events',
    {},
    {
      'GET /api/events': (_, say) => {
        say('ready', {})
        say('missed', { count: 17 })
        return undefined
      },
    },
  )
  await page.getByText('17 events came faster than they could be read').waitFor()
})

test('colors that were chosen stay chosen', async () => {
  const page = await open('/')
  const theme = () => page.evaluate('document.documentElement.dataset.theme') as Promise<string>
  await page.getByText('Put into storage').waitFor()
  await page.getByRole('radio', { name: 'dark' }).check()
  expect(await theme()).toBe('dark')
  await page.reload()
  await page.getByText('Put into storage').waitFor()
  expect(await theme()).toBe('dark')
  expect(await page.getByRole('radio', { name: 'dark' }).isChecked()).toBe(true)
})

test('what was chosen is in the address', async () => {
  const page = await open('/')
  await page.getByText('Put into storage').waitFor()
  await page.getByText('24 hours').click()
  await page.waitForURL('**/?since=86400')
  await page.getByRole('link', { name: 'com.example.app', exact: true }).click()
  await page.waitForURL('**/?since=86400&topic=com.example.app')
  await page.getByRole('heading', { name: 'Notifications of com.example.app' }).waitFor()
  await page.goBack()
  await page.getByRole('heading', { name: 'Notifications', exact: true }).waitFor()
})

test('the first paint needs nothing but the files of the page', async () => {
  const { passed, open: answer } = gate()
  const page = await open('/', {
    'GET /api/session': () =>
      passed.then(() => worldOf(words)['GET /api/session']?.(nothing) as never),
    'GET /api/deployment': () =>
      passed.then(() => worldOf(words)['GET /api/deployment']?.(nothing) as never),
  })
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  const paint = await page.evaluate(firstPaint)
  answer()
  await page.getByText('production').first().waitFor()
  process.stdout.write(`first paint after ${Math.round(Number(paint))} ms\n`)
  expect(paint).toBeGreaterThan(0)
})

const nothing = { params: {}, query: new URLSearchParams(), body: {} }

const firstPaint = `new Promise((resolve) =>
  new PerformanceObserver((list, observer) => {
    const [paint] = list.getEntriesByName('first-contentful-paint')
    if (!paint) return
    observer.disconnect()
    resolve(paint.startTime)
  }).observe({ type: 'paint', buffered: true }))`
