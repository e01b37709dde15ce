import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'

/** Where Debian, Ubuntu and Fedora put it; `CHROMIUM` names another. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** Far above what anything takes: a busy machine must not fail a test. */
const PATIENCE_MS = 60_000

export function openBrowser(): Promise<Browser> {
  if (!existsSync(executablePath))
    throw new Error(
      `there is no Chromium at ${executablePath}: install it (apt-get install chromium), or name one in CHROMIUM`,
    )
  // a container's root has no sandbox, and a small /dev/shm
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

export const colors = ['light', 'dark'] as const
export const widths = [360, 1280, 2560] as const

const heights: Readonly<Record<number, number>> = { 360: 780, 1280: 860, 2560: 1440 }

export function sizeOf(width: number): { width: number; height: number } {
  return { width, height: heights[width] ?? 860 }
}

/** A page of a browser that has never been here, and all that it complained of. */
export interface Visit {
  readonly page: Page
  /** Errors of scripts, of the content security policy and of requests; dialogs; requests to elsewhere. */
  readonly complaints: string[]
  close(): Promise<void>
}

export async function visit(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: sizeOf(1280), ...options })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', ({ message }) => complaints.push(`error: ${message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.type()}: ${message.text()}`)
  })
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(origin) && !/^(blob|data):/.test(url)) complaints.push(`elsewhere: ${url}`)
  })
  return { page, complaints, close: () => context.close() }
}

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What axe finds that is serious or critical, by the rules of WCAG 2.2 A and AA. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // through the debugger, so that the page keeps its policy
  await page.evaluate(axe.source)
  const tags = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']"
  const violations = (await page.evaluate(
    `axe.run({ runOnly: { type: 'tag', values: ${tags} }, resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  )) as readonly Violation[]
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
    )
}

/** Nothing may be wider than the window. */
export async function expectNoOverflow(page: Page): Promise<void> {
  const wider = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  expect(wider).toBe(0)
}

const folder = fileURLToPath(new URL('screenshots', import.meta.url))

/** Kept for people to look at; the folder is not in git. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}
