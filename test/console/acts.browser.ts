import { readFileSync } from 'node:fs'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { buildConsole } from '@heliograph/console/build'
import { parseProviderKeyId, parseTeamId } from '@heliograph/protocol/identifiers'
import type { Browser, Download, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Console, startConsole } from '../../packages/operator/src/console/console.ts'
import { providerTokens } from '../../packages/operator/src/operations/provider-token.ts'
import { openStage, welcomeOperator } from '../e2e/operator-support.ts'
import { type ReadyTarget, readyTarget } from '../e2e/support.ts'
import { expectNoOverflow, openBrowser, seriousFindings, type Visit, visit } from './chromium.ts'

/** Each page's main act, as a person does it, on what TARGET names. */
const kind = process.env.TARGET === 'machine' ? 'machine' : 'embedded'

let opened: ReadyTarget
let served: Console
let browser: Browser
let visited: Visit
let page: Page

beforeAll(async () => {
  opened = await readyTarget()
  welcomeOperator(opened.target)
  served = await startConsole({
    target: { target: kind, state: opened.target.state },
    ...{ version: '0.0.0', port: 0, files: await buildConsole(), note: () => {} },
  })
  browser = await openBrowser()
  visited = await visit(browser, new URL(served.url).origin)
  page = visited.page
  await page.goto(served.url)
  await page.getByText(opened.target.stage, { exact: true }).first().waitFor()
})
afterAll(async () => {
  await browser?.close()
  await served?.close()
  await opened?.close()
})
afterEach(async () => {
  expect(await seriousFindings(page)).toEqual([])
  await expectNoOverflow(page)
  expect(visited.complaints.splice(0)).toEqual([])
})

async function choose(name: string): Promise<void> {
  // a dialog that another attempt left open
  await page.keyboard.press('Escape')
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}

/** Adds the demo app's certificate, as a person who has its files; the embedded cloud brings it along. */
async function addCredential(): Promise<void> {
  if (kind === 'embedded') return
  const { cert, key } = opened.target.local.provider
  await page.getByRole('button', { name: 'Add a credential' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('PEM', { exact: true }).click()
  await dialog.getByLabel('Certificate (.pem)').setInputFiles(cert)
  await dialog.getByLabel('Private key (.key)').setInputFiles(key)
  await dialog.getByRole('button', { name: 'Add', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
}

async function send(token: string): Promise<void> {
  await page.getByLabel('Device token').fill(token)
  await page.getByLabel('Topic').fill(opened.target.local.provider.topic)
  await page.getByRole('button', { name: 'Send', exact: true }).click()
}

/** Types what the dialog asks for. */
async function confirm(name: string, button: string): Promise<void> {
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(/^Type the /).fill(name)
  await dialog.getByRole('button', { name: button }).click()
  await dialog.waitFor({ state: 'detached' })
}

describe(`the console of ${kind}`, () => {
  test('has no secret in its address', () => {
    expect(page.url()).toBe(`${new URL(served.url).origin}/`)
  })

  test('sends a notification, which the device gets, and shows what became of it', async () => {
    const { token, received } = opened.ready
    await choose('Send')
    await addCredential()
    await send(token)
    await page.getByText('200, accepted').waitFor()
    await page.getByRole('link', { name: 'See what becomes of it' }).click()
    await page.getByRole('heading', { level: 1, name: 'Notification' }).waitFor()
    await expectDelivery()
    expect(received.map(({ payload }) => JSON.stringify(payload)).join()).toContain(
      'Sent from the console',
    )
  })

  test('explains a refusal', async () => {
    await choose('Send')
    await addCredential()
    await send('0'.repeat(64))
    const answer = page.getByRole('alert').filter({ hasText: '400 BadDeviceToken' })
    await answer.waitFor()
    await answer.getByText('Do not send it again.').waitFor()
  })

  test('finds a device by its id, and by its token', async () => {
    const { device, token } = opened.ready
    const id = String(device.deviceId)
    await choose('Devices')
    const find = page.getByLabel('Device id or device token')
    await find.fill(id)
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByRole('heading', { level: 1, name: `Device ${id}` }).waitFor()
    await page.getByText('Connected', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'All devices' }).click()
    await find.fill(token)
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByRole('heading', { name: 'A provider would hear' }).waitFor()
    await page.getByRole('link', { name: id }).waitFor()
  })

  test('shows the figures, live', async () => {
    await choose('Overview')
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByRole('heading', { name: 'Queues' }).waitFor()
    await page.getByRole('heading', { name: 'Connected devices' }).waitFor()
  })

  test('hears events as they happen', async () => {
    await choose('Events')
    await page.getByText('Listening').waitFor()
    const sender = await visited.page.context().newPage()
    await sender.goto(`${new URL(served.url).origin}/send?token=${opened.ready.token}`)
    await sender.getByLabel('Topic').fill(opened.target.local.provider.topic)
    await sender.getByRole('button', { name: 'Send', exact: true }).click()
    await sender.getByText('200, accepted').waitFor()
    await page.getByRole('table').getByText('Delivered').first().waitFor()
    await sender.close()
  })

  test('examines the deployment', async () => {
    await choose('Doctor')
    await page.getByRole('button', { name: 'Examine again' }).waitFor()
    await page.getByText('Well').first().waitFor()
    await page.getByText('Under way').first().waitFor({ state: 'detached' })
  })
})

describe(`the providers of ${kind}`, () => {
  test('get a certificate, whose files are saved once, and lose it', async () => {
    await choose('Providers')
    await page.getByRole('button', { name: 'Issue a certificate' }).click()
    await page.getByRole('dialog').getByLabel('Topics').fill('org.example.signage')
    await page.getByRole('button', { name: 'Issue', exact: true }).click()
    await page.getByText('Save the files now.').waitFor()
    const pem = await download('.pem')
    expect(pem).toContain('BEGIN CERTIFICATE')
    expect(await download('.key')).toContain('PRIVATE KEY')
    await page.getByRole('button', { name: 'I have saved them' }).click()
    await page
      .getByRole('button', { name: 'Revoke the certificate for org.example.signage' })
      .first()
      .click()
    await confirm('org.example.signage', 'Revoke the certificate')
    await page.getByText('Revoked', { exact: true }).first().waitFor()
  })

  test('get a key, with which a token is checked', async () => {
    await page.getByRole('link', { name: 'Keys' }).click()
    await page.getByRole('button', { name: 'Make a key' }).click()
    await page.getByRole('dialog').getByLabel('Topics').fill('org.example.signage')
    await page.getByRole('dialog').getByLabel('Team id').fill('SIGNAGE123')
    await page.getByRole('button', { name: 'Make the key' }).click()
    await page.getByText('Save the files now.').waitFor()
    const name = await page.getByRole('button', { name: /\.p8$/ }).textContent()
    const token = tokenOf(name ?? '', await download('.p8'))
    await page.getByRole('button', { name: 'I have saved it' }).click()
    await page.getByRole('link', { name: 'Check a provider token' }).click()
    await page.getByLabel('Token (JWT)').fill(token)
    await page.getByRole('button', { name: 'Check', exact: true }).click()
    await page.getByText('The token is good').waitFor()
    await page.getByLabel('Token (JWT)').fill(`${token.slice(0, -8)}AAAAAAAA`)
    await page.getByRole('button', { name: 'Check', exact: true }).click()
    await page.getByText('InvalidProviderToken').first().waitFor()
  })
})

describe(`dead letters of ${kind}`, () => {
  test('are read, and deleted with the name of their queue', async () => {
    await choose('Dead letters')
    if (kind === 'machine') return void (await page.getByText('None').first().waitFor())
    await putLetter('RuleErrors', JSON.stringify({ ruleName: hostile }))
    await page.getByRole('link', { name: 'rules' }).click()
    await page.getByRole('rowheader', { name: `rule ${hostile} failed` }).waitFor()
    expect(await page.evaluate('document.querySelector("img:not([alt])")')).toBeNull()
    await page.getByRole('button', { name: 'Delete all' }).click()
    await confirm('rules', 'Delete all')
    await page.getByText(/ letters? deleted\./).waitFor()
    await page.getByText('No dead letters').waitFor()
  })

  test.runIf(kind === 'embedded')(
    'are handed over, but for what is not of the service',
    async () => {
      await putLetter('NotificationDeadLetters', 'no notification')
      await choose('Dead letters')
      await page.getByRole('link', { name: 'notifications' }).click()
      await page.getByRole('button', { name: 'Hand all over once more' }).click()
      await page.getByText('1 cannot be, and stays').waitFor()
      await page.getByText('Done', { exact: true }).waitFor()
    },
  )
})

describe(`a device of ${kind}`, () => {
  test('loses its token, and a provider hears 410', async () => {
    const { token } = opened.ready
    const { topic } = opened.target.local.provider
    await choose('Tokens')
    await page.getByLabel('Device token').fill(token)
    await page.getByRole('button', { name: 'Inspect' }).click()
    await page.getByText('200, accepted').waitFor()
    await page.getByRole('button', { name: 'Expire' }).click()
    await confirm(topic, 'Expire the token')
    await page.getByText('410 ExpiredToken').waitFor()
  })

  test('is revoked with its id', async () => {
    const id = String(opened.ready.device.deviceId)
    await choose('Devices')
    await page.getByRole('link', { name: id }).click()
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await confirm(id, 'Revoke the device')
    await page.getByText('Revoked', { exact: true }).first().waitFor()
  })
})

const hostile = '</script><img src=x onerror=alert(1)>\u202e'

async function putLetter(
  queue: 'RuleErrors' | 'NotificationDeadLetters',
  body: string,
): Promise<void> {
  const { clients, outputs, close } = await openStage(opened.target)
  await clients.sqs.send(new SendMessageCommand({ QueueUrl: outputs[queue], MessageBody: body }))
  close()
}

/** A receipt is there as soon as what happened is recorded; a person reads again until it is. */
async function expectDelivery(): Promise<void> {
  const delivered = page.getByRole('heading', { name: 'Delivered', exact: true }).first()
  const again = page.getByRole('button', { name: 'Read again' })
  await expect
    .poll(
      async () => {
        if (await delivered.isVisible()) return true
        await again.click()
        return false
      },
      { timeout: 120_000, interval: 500 },
    )
    .toBe(true)
  // the browser notes the 404 of a receipt that was not there yet
  const early = /Failed to load resource.*404/
  visited.complaints.splice(0, Infinity, ...visited.complaints.filter((one) => !early.test(one)))
}

async function download(ending: string): Promise<string> {
  const saved = new Promise<Download>((resolve) => page.once('download', resolve))
  await page.getByRole('button', { name: new RegExp(`\\${ending}$`) }).click()
  return readFileSync(await (await saved).path(), 'utf8')
}

/** A provider token of the key whose file this is, as a provider's library signs it. */
function tokenOf(fileName: string, p8: string): string {
  const keyId = parseProviderKeyId(/AuthKey_(\w+)\.p8/.exec(fileName)?.[1])
  const teamId = parseTeamId('SIGNAGE123')
  if (!keyId || !teamId) throw new Error(`${fileName} names no key`)
  return providerTokens({ keyId, teamId, p8 }, Date.now).authorization().replace('bearer ', '')
}
