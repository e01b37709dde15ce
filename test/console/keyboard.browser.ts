import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openBrowser, sizeOf, type Visit, visit } from './chromium.ts'
import { type Fake, openFake } from './fake/server.ts'
import { known, streamsOf, worldOf } from './fake/world.ts'

const words = { foreign: '' }

let browser: Browser
let fake: Fake
let visited: Visit
let page: Page

beforeAll(async () => {
  fake = await openFake(worldOf(words), streamsOf(words))
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await fake?.close()
})
beforeEach(async () => {
  visited = await visit(browser, fake.url)
  page = visited.page
})
afterEach(async () => {
  expect(visited.complaints).toEqual([])
  await visited.close()
})

/** Presses Tab until the focus is on what is wanted, as a person does who sees where it is. */
async function tabTo(role: string, name: string): Promise<void> {
  const wanted = page.getByRole(role as 'button', { name, exact: true })
  await wanted.waitFor()
  for (let presses = 0; presses < 60; presses += 1) {
    if (await wanted.evaluate((element) => element === element.ownerDocument.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`no key leads to ${role} ${name}`)
}

describe('by keyboard alone', () => {
  test('the content can be reached past the menu', async () => {
    await page.goto(`${fake.url}/devices`)
    await page.getByRole('link', { name: known.device }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await focusedText()).toBe('Invite devices')
  })

  test('another view takes the focus to its heading, and the window its name', async () => {
    await page.goto(fake.url)
    await tabTo('link', 'Doctor')
    await page.keyboard.press('Enter')
    await page.getByText('1 problem').waitFor()
    expect(await focusedText()).toBe('Doctor')
    expect(await page.title()).toBe('Doctor · Heliograph')
    await page.goBack()
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  })

  test('a notification is sent, and its answer is said', async () => {
    await page.goto(`${fake.url}/send`)
    await tabTo('textbox', 'Device token')
    await page.keyboard.type(known.token)
    await page.keyboard.press('Enter')
    await page.getByRole('status').filter({ hasText: '200, accepted' }).waitFor()
    await tabTo('link', 'See what becomes of it')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Accepted' }).waitFor()
  })

  test('what is missing is said before anything is sent', async () => {
    await page.goto(`${fake.url}/send`)
    await tabTo('button', 'Send')
    await page.keyboard.press('Enter')
    const token = page.getByLabel('Device token')
    await page.getByText('Enter the device token').waitFor()
    expect(await token.getAttribute('aria-invalid')).toBe('true')
    const described = (await token.getAttribute('aria-describedby')) ?? ''
    expect(await page.locator(`[id="${described}"]`).textContent()).toContain('64 hex digits')
  })

  test('a device is revoked only with its name', async () => {
    await page.goto(`${fake.url}/devices/${known.device}`)
    await tabTo('button', 'Revoke')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Revoke this device for good?' })
    await dialog.waitFor()
    await tabTo('textbox', 'Type the device id')
    await page.keyboard.type('something else')
    await page.keyboard.press('Enter')
    await dialog.getByText('This is not the device id above.').waitFor()
    await page.keyboard.press('Control+A')
    await page.keyboard.type(known.device)
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await page.getByText(`Revoked ${known.device}`).waitFor()
  })

  test('a dialog keeps the focus, and gives it back', async () => {
    await page.goto(`${fake.url}/devices`)
    await tabTo('button', 'Invite devices')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    for (let presses = 0; presses < 12; presses += 1) {
      await page.keyboard.press('Tab')
      expect(await page.evaluate(outsideOfDialog)).toBe(false)
    }
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await focusedText()).toBe('Invite devices')
  })

  test('the forms of a request are chosen by arrow keys', async () => {
    await page.goto(`${fake.url}/send?token=${known.token}`)
    await tabTo('tab', 'curl')
    await page.keyboard.press('ArrowRight')
    await page.getByRole('tabpanel', { name: 'node-apn' }).waitFor()
    expect(await page.getByLabel('node-apn', { exact: true }).last().inputValue()).toContain(
      known.token,
    )
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.getByRole('tabpanel', { name: 'pushy (Java)' }).waitFor()
  })

  test('a time says what it is in UTC, until Escape', async () => {
    await page.goto(`${fake.url}/notifications/${known.notification}`)
    const time = page.locator('time').first()
    await time.focus()
    const tip = page.getByRole('tooltip')
    await tip.waitFor()
    expect(await tip.textContent()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$/)
    expect(await time.getAttribute('aria-describedby')).toBe(await tip.getAttribute('id'))
    await page.keyboard.press('Escape')
    await tip.waitFor({ state: 'hidden' })
  })

  test('the menu of a small window opens, leads on and closes', async () => {
    await page.setViewportSize(sizeOf(360))
    await page.goto(fake.url)
    await tabTo('button', 'Menu')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Menu' }).waitFor()
    await tabTo('link', 'Providers')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Providers', level: 1 }).waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })
})

describe('what can be operated', () => {
  test('is at least 24 pixels high and wide, or stands in a line of text', async () => {
    for (const address of ['/', '/send', `/devices/${known.device}`, '/providers', '/events']) {
      await page.goto(fake.url + address)
      await page.getByRole('heading', { level: 1 }).waitFor()
      expect(await page.evaluate(small)).toEqual([])
    }
  })
})

function focusedText(): Promise<string | null> {
  return page.evaluate('document.activeElement.textContent') as Promise<string | null>
}

const outsideOfDialog = `document.activeElement !== document.body && document.activeElement.closest('dialog') === null`

/** A box around a check box belongs to its label. */
const small = `[...document.querySelectorAll('button, input, select, textarea, summary, nav a')]
  .map((one) => (one.matches('input[type=checkbox], input[type=radio]') ? one.closest('label') ?? one : one))
  .filter((one) => one.checkVisibility())
  .map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 120)])
  .filter(([{ width, height }]) => width > 0 && (width < 24 || height < 24))
  .map(([, html]) => html)`
