import { createHash, randomUUID } from 'node:crypto'
import { MAX_MULTICAST_BYTES, MAX_RECIPIENTS } from '@heliograph/protocol/limits'
import { type Reason, rejections } from '@heliograph/protocol/rejection'
import { runCampaign } from '../campaign/campaign.ts'
import { refuseForeignList, writeGone } from '../campaign/gone-file.ts'
import { type Journal, openJournal } from '../campaign/journal.ts'
import { patience } from '../campaign/pace.ts'
import { endedOf, isOver, type Summary, summaryOf, summaryText } from '../campaign/summary.ts'
import { openTokenFile, spoolTokens, type TokenFile } from '../campaign/token-file.ts'
import { Failure } from '../failure.ts'
import { openEdge, reconnecting } from '../operations/edge.ts'
import { headersOf, type SendOrder } from '../operations/send.ts'
import { progressOf } from '../progress.ts'
import type { Report } from '../report.ts'
import type { Session } from '../session.ts'
import { parseWhole } from '../values.ts'
import { type IdentityOptions, providerOf } from './identity.ts'

export interface ManyOptions extends IdentityOptions {
  readonly tokensFile: string
  readonly payload?: string
  readonly deadTokens?: string
  readonly resume?: string
  readonly inFlight: string
  readonly perRequest: string
  readonly again?: boolean
  readonly skipBadLines?: boolean
}

/** Sends to every device in a file, and keeps a journal of what is done. */
export async function sendToMany(
  session: Session,
  options: ManyOptions,
  readOrder: () => Promise<Omit<SendOrder, 'token'>>,
): Promise<Report> {
  const inFlight = parseWhole('--in-flight', options.inFlight, 1, 32)
  const most = parseWhole('--per-request', options.perRequest, 1, MAX_RECIPIENTS)
  const path = journalPath(options)
  const order = await readOrder()
  demandObject(order.payload)
  const provider = await providerOf(session, options)
  const file = await openTokens(session, options)
  try {
    demandTokens(file, options)
    const journal = await openJournal(path, termsOf(file, order, most), newId)
    try {
      refuseWhatIsOver(journal, path)
      if (options.deadTokens !== undefined)
        await refuseForeignList(options.deadTokens, journal.isResumed)
      const edge = reconnecting(() => openEdge(provider.address, provider.identity))
      const run = { session, options, file, journal, edge, inFlight, path, payload: order.payload }
      return await campaignReport(run)
    } finally {
      await journal.close()
    }
  } finally {
    await file.close()
  }
}

const newId = () => randomUUID().toUpperCase()

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** The payload becomes part of another text: nothing but one object may come through. */
function demandObject(payload: string): void {
  try {
    const value: unknown = JSON.parse(payload)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
  } catch {
    // falls through
  }
  throw new Failure('usage', 'the payload is not a JSON object: nothing was sent')
}

function journalPath({ tokensFile, resume }: ManyOptions): string {
  if (resume !== undefined) return resume
  if (tokensFile !== '-') return `${tokensFile}.progress`
  throw new Failure(
    'usage',
    'tokens by standard input need a place for the journal: add --resume FILE',
  )
}

function openTokens({ terminal }: Session, options: ManyOptions): Promise<TokenFile> {
  const { tokensFile, payload } = options
  if (tokensFile !== '-') return openTokenFile(tokensFile)
  if (payload === '-')
    throw new Failure('usage', 'standard input can provide either the tokens or the payload')
  return spoolTokens(terminal.input)
}

function demandTokens({ bad, count }: TokenFile, { tokensFile, skipBadLines }: ManyOptions): void {
  const lines = bad.first.join(', ') + (bad.count > bad.first.length ? ', …' : '')
  if (bad.count > 0 && !skipBadLines)
    throw new Failure(
      'usage',
      `${tokensFile} has ${bad.count} lines that are not device tokens of 64 hex digits (line ${lines}): nothing was sent; correct them, or add --skip-bad-lines`,
    )
  if (count === 0) throw new Failure('usage', `${tokensFile} has no device token: nothing was sent`)
}

/** What a token takes in a body: quotes and a comma around 64 characters. */
const BYTES_EACH = 67
const FRAME = '{"tokens":[],"payload":}'.length

/** The number of tokens per request that the user wants, as far as they fit next to the payload. */
function perRequestOf(payload: string, most: number): number {
  const room = MAX_MULTICAST_BYTES - FRAME - Buffer.byteLength(payload)
  // a payload that leaves no room is far too large, and the service will say so
  return Math.max(1, Math.min(most, Math.floor(room / BYTES_EACH)))
}

function termsOf(file: TokenFile, order: Omit<SendOrder, 'token'>, most: number) {
  const { id, ...rest } = order
  return {
    id,
    tokensFile: file.digest,
    payload: sha256(order.payload),
    headers: headersOf(rest),
    tokens: file.count,
    perRequest: perRequestOf(order.payload, most),
  }
}

function refuseWhatIsOver(journal: Journal, path: string): void {
  if (isOver(journal))
    throw new Failure(
      'refused',
      `this campaign is complete (${path}): nothing was sent; to send it again, as a new campaign, remove that file or name another with --resume`,
    )
}

interface Run {
  readonly session: Session
  readonly options: ManyOptions
  readonly file: TokenFile
  readonly journal: Journal
  readonly edge: ReturnType<typeof reconnecting>
  readonly inFlight: number
  readonly path: string
  readonly payload: string
}

async function campaignReport(run: Run): Promise<Report> {
  const { options, file, journal, path } = run
  const startedAt = performance.now()
  const before = endedOf(journal)
  const ended = await send(run, before).catch((fault: unknown) => ({ fault }))
  if (options.deadTokens !== undefined) await writeGone(options.deadTokens, journal)
  const summary = summaryOf(journal, file)
  if (typeof ended !== 'boolean') throw withHint(ended.fault, summary)
  const tookMs = Math.round(performance.now() - startedAt)
  const perSecond = Math.round(((endedOf(journal) - before) * 1_000) / Math.max(1, tookMs))
  const took = `took ${(tookMs / 1_000).toFixed(1)} s, ${perSecond} tokens a second`
  return {
    value: { ...summary, finished: ended, tookMs, perSecond, journal: path },
    text: [summaryText(summary), took, ...hintOf(ended, summary)].join('\n'),
    ...exitOf(ended, summary),
  }
}

/** Returns whether the campaign was completed; false if the user ended it. */
async function send(
  { session, options, file, journal, edge, inFlight, payload }: Run,
  done: number,
): Promise<boolean> {
  const progress = progressOf(session, { done, total: journal.terms.tokens })
  try {
    return await runCampaign({
      ...{ edge, file, journal, payload, inFlight, patience },
      again: options.again ?? false,
      stop: session.terminal.stop,
      now: Date.now,
      onProgress: progress.add,
    })
  } finally {
    progress.end()
    edge.close()
  }
}

const GO_ON = 'run the same command again to go on'

function withHint(fault: unknown, { accepted, tokens }: Summary): unknown {
  if (!(fault instanceof Failure)) return fault
  const text = `${fault.message}; ${accepted} of ${tokens} are accepted: ${GO_ON}`
  return new Failure(fault.kind, text, { cause: fault })
}

function hintOf(isFinished: boolean, { left, refused }: Summary): readonly string[] {
  if (!isFinished) return [`interrupted: ${GO_ON}`]
  return left > 0 || isLater(refused) ? [`some were not accepted for now: ${GO_ON}`] : []
}

function isLater(refused: Summary['refused']): boolean {
  return Object.keys(refused).some((reason) => rejections[reason as Reason]?.retry === 'later')
}

function exitOf(isFinished: boolean, { left, refused, inDoubt }: Summary): Pick<Report, 'exit'> {
  if (!isFinished) return { exit: 'interrupted' }
  return left + inDoubt + Object.keys(refused).length > 0 ? { exit: 'refused' } : {}
}
