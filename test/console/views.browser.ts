import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  colors,
  expectNoOverflow,
  keepScreenshot,
  openBrowser,
  seriousFindings,
  sizeOf,
  type Visit,
  visit,
  widths,
} from './chromium.ts'
import { type Fake, openFake } from './fake/server.ts'
import { views } from './fake/views.ts'
import { streamsOf, worldOf } from './fake/world.ts'

const words = { foreign: '' }

let browser: Browser
let fake: Fake

beforeAll(async () => {
  fake = await openFake(worldOf(words), streamsOf(words))
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await fake?.close()
})

describe.each(colors)('in %s colors', (colorScheme) => {
  let visited: Visit

  beforeAll(async () => {
    visited = await visit(browser, fake.url, { colorScheme })
  })
  afterAll(() => visited?.close())

  test.each(views)('$name is for everybody, at every width', async ({ name, address, text }) => {
    const { page, complaints } = visited
    await page.goto(fake.url + address)
    for (const width of widths) {
      await page.setViewportSize(sizeOf(width))
      await page.getByText(text, { exact: false }).first().waitFor()
      await expectNoOverflow(page)
      await keepScreenshot(page, `${name}-${width}-${colorScheme}`)
      // the menu is another one where there is no room beside the view
      if (width !== 2560) expect(await seriousFindings(page)).toEqual([])
    }
    expect(await page.locator('h1').count()).toBe(1)
    expect(await page.title()).toMatch(/ · Heliograph$/)
    expect(complaints).toEqual([])
  })
})

describe('a dialog', () => {
  test.each([
    ['/devices', 'Invite devices'],
    ['/providers', 'Issue a certificate'],
    ['/providers/keys', 'Make a key'],
    ['/providers/keys', 'Import'],
    ['/dead-letters/notifications', 'Delete all'],
    ['/send', 'Add a credential'],
  ])('of %s, "%s", is for everybody', async (address, button) => {
    const { page, complaints, close } = await visit(browser, fake.url, { viewport: sizeOf(360) })
    await page.goto(fake.url + address)
    await page.getByRole('button', { name: button, exact: true }).click()
    await page.getByRole('dialog').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await expectNoOverflow(page)
    expect(complaints).toEqual([])
    await close()
  })
})
