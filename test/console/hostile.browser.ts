import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoOverflow, openBrowser, sizeOf, visit } from './chromium.ts'
import { type Fake, openFake } from './fake/server.ts'
import { views } from './fake/views.ts'
import { known, streamsOf, worldOf } from './fake/world.ts'

/** Markup in all forms, a quote of each kind, a scheme, an override of the direction, and no place to break a line. */
const foreign = `<img src=x onerror="window.evil=1"><svg onload='window.evil=1'><script>window.evil=1</script>"'\`javascript:window.evil=1\u202e{{7*7}}\${window.evil=1}${'W'.repeat(600)}`

/** How much of it can be expected in one piece. */
const sign = '<img src=x onerror="window.evil=1">'

/** Where nothing shows that a device or a provider wrote. */
const silent = [
  'nowhere',
  'notification',
  'tokens',
  'send',
  'provider-keys',
  'provider-token',
  'dead-letters',
  'devices',
]

let browser: Browser
let fake: Fake

beforeAll(async () => {
  fake = await openFake(worldOf({ foreign }), streamsOf({ foreign }))
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await fake?.close()
})

describe('what devices and providers wrote', () => {
  test.each(views)('is text in $name', async ({ name, address, text }) => {
    const { page, complaints, close } = await visit(browser, fake.url, { viewport: sizeOf(360) })
    await page.goto(fake.url + address)
    await page.getByText(text, { exact: false }).first().waitFor()
    if (!silent.includes(name)) await page.getByText(sign, { exact: false }).first().waitFor()
    expect(await page.evaluate(strange)).toEqual([])
    await expectNoOverflow(page)
    expect(complaints).toEqual([])
    await close()
  })

  test('is text in the answer to a send', async () => {
    const { page, complaints, close } = await visit(browser, fake.url)
    await page.goto(`${fake.url}/send?token=${'0'.repeat(64)}`)
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText(sign, { exact: false }).first().waitFor()
    expect(await page.evaluate(strange)).toEqual([])
    expect(complaints).toEqual([])
    await close()
  })

  test('is text in the check of a provider token', async () => {
    const { page, complaints, close } = await visit(browser, fake.url)
    await page.goto(`${fake.url}/providers/check`)
    await page.getByLabel('Token (JWT)').fill('a.b.c')
    await page.getByRole('button', { name: 'Check' }).click()
    await page.getByText(sign, { exact: false }).first().waitFor()
    expect(await page.evaluate(strange)).toEqual([])
    expect(complaints).toEqual([])
    await close()
  })

  test('is text where an address brings it', async () => {
    const { page, complaints, close } = await visit(browser, fake.url)
    for (const view of ['notifications', 'devices', 'tokens', 'dead-letters', 'providers']) {
      await page.goto(`${fake.url}/${view}/${encodeURIComponent(foreign)}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
    }
    const query = new URLSearchParams({ token: known.token, topic: foreign, collapseId: foreign })
    await page.goto(`${fake.url}/send?${query}`)
    await page.getByText('of 4,096 bytes').waitFor()
    expect(await page.evaluate(strange)).toEqual([])
    // the browser itself notes answers that are not 200
    expect(complaints.filter((one) => !one.includes('Failed to load resource'))).toEqual([])
    await close()
  })
})

/** What the text would have made of the page. */
const strange = `[
  ...document.querySelectorAll('script:not([src="/console.js"]), img:not([src="/icon.svg"]), [onload], [onerror], iframe, a[href^="javascript" i]'),
].map((one) => one.outerHTML).concat(window.evil === undefined ? [] : ['it ran'])`
