import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream, type Stats } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type DeviceToken, parseDeviceToken } from '@heliograph/protocol/identifiers'
import { Failure } from '../failure.ts'
import { reasonOf } from '../files.ts'
import { TokenSet } from './token-set.ts'

/** The device tokens of one request. */
export interface Chunk {
  /** From 0, in the order of the file: the same for the same file and size. */
  readonly number: number
  readonly tokens: readonly DeviceToken[]
}

/**
 * A file with a device token a line; empty lines and those that begin with `#` are passed over. It is
 * read twice, piece by piece: once to know it, once to send.
 */
export interface TokenFile {
  /** SHA-256 of its bytes, hexadecimal. */
  readonly digest: string
  /** Tokens, each counted once. */
  readonly count: number
  /** Lines that name a token again. */
  readonly repeated: number
  /** Lines that are not tokens; the numbers of the first of them, from 1. */
  readonly bad: { readonly count: number; readonly first: readonly number[] }
  /** @throws Failure if the file has changed since it was opened. */
  chunks(size: number): AsyncGenerator<Chunk>
  close(): Promise<void>
}

/** How many bad lines are told by their numbers. */
const SHOWN = 10

/** Characters of a line that are looked at; a file without line ends must not fill the memory. */
const MOST_CHARACTERS = 1_000

/** Opens a file that the user named, and reads it through. */
export async function openTokenFile(path: string): Promise<TokenFile> {
  const handle = await openFile(path)
  try {
    demandReadable(path, await handle.stat())
    const before = await stampOf(handle)
    const survey = await surveyOf(handle)
    return {
      ...survey,
      repeated: survey.repeats.length,
      chunks: (size) => chunksOf(handle, { path, size, before, repeats: survey.repeats }),
      close: () => handle.close(),
    }
  } catch (fault) {
    await handle.close()
    throw fault instanceof Failure ? fault : unreadable(path, fault)
  }
}

/** The same for tokens that come by standard input, which can be read twice only from a file. */
export async function spoolTokens(
  input: AsyncIterable<Uint8Array>,
  mostBytes = MOST_BYTES,
): Promise<TokenFile> {
  const path = join(tmpdir(), `heliograph-tokens-${randomBytes(8).toString('hex')}`)
  try {
    await pipeline(input, upTo(mostBytes), createWriteStream(path, { mode: 0o600, flags: 'wx' }))
    return await openTokenFile(path)
  } finally {
    // an open file can be read without its name
    await rm(path, { force: true })
  }
}

/** Bytes of a file: sixteen million tokens, for which a run takes half a gigabyte of memory. */
const MOST_BYTES = 2 ** 30

/** It is read twice, which a pipe is not; a device may have no end. */
function demandReadable(path: string, stats: Stats): void {
  if (stats.isDirectory()) throw unreadable(path, { code: 'EISDIR' })
  if (!stats.isFile())
    throw new Failure(
      'usage',
      `tokens file ${path} is not a file: pass the output of a pipe on standard input, with --tokens-file -`,
    )
  if (stats.size > MOST_BYTES) throw tooLarge(path)
}

function tooLarge(path: string): Failure {
  const text = `${path} is larger than 1 GiB, which is sixteen million tokens: split it into several campaigns`
  return new Failure('usage', text)
}

/** Passes on what fits; an input without end must not fill the disk. */
function upTo(mostBytes: number) {
  return async function* (input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let size = 0
    for await (const piece of input) {
      size += piece.length
      if (size > mostBytes) throw tooLarge('standard input')
      yield piece
    }
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (fault) {
    throw unreadable(path, fault)
  }
}

function unreadable(path: string, fault: unknown): Failure {
  const text = `tokens file ${path} cannot be read: ${reasonOf(fault)}`
  return new Failure('usage', text, { cause: fault })
}

/** Changes when the file is written to. */
async function stampOf(handle: FileHandle): Promise<string> {
  const { size, mtimeNs } = await handle.stat({ bigint: true })
  return `${size} ${mtimeNs}`
}

interface Survey extends Pick<TokenFile, 'digest' | 'count' | 'bad'> {
  /** Numbers of the lines that name a token again, ascending. */
  readonly repeats: readonly number[]
}

/** A token has 64 characters and a line end. */
const BYTES_EACH = 65

async function surveyOf(handle: FileHandle): Promise<Survey> {
  const digest = createHash('sha256')
  const known = new TokenSet((await handle.stat()).size / BYTES_EACH)
  const repeats: number[] = []
  const bad = { count: 0, first: [] as number[] }
  let count = 0
  const hear = (bytes: Buffer) => digest.update(bytes)
  for await (const entries of entriesOf(handle, hear))
    for (const { number, token } of entries) {
      if (token === undefined) bad.count += 1
      else if (known.add(token)) count += 1
      else repeats.push(number)
      if (token === undefined && bad.count <= SHOWN) bad.first.push(number)
    }
  return { digest: digest.digest('hex'), count, bad, repeats }
}

interface Reading {
  readonly path: string
  readonly size: number
  readonly before: string
  readonly repeats: readonly number[]
}

async function* chunksOf(
  handle: FileHandle,
  { path, size, before, repeats }: Reading,
): AsyncGenerator<Chunk> {
  let chunk: { number: number; tokens: DeviceToken[] } = { number: 0, tokens: [] }
  let passed = 0
  for await (const entries of entriesOf(handle)) {
    if ((await stampOf(handle)) !== before)
      throw new Failure('failed', `${path} changed while it was being read: nothing more is sent`)
    for (const { number, token } of entries) {
      if (token === undefined) continue
      if (repeats[passed] === number) passed += 1
      else if (chunk.tokens.push(token) === size) {
        yield chunk
        chunk = { number: chunk.number + 1, tokens: [] }
      }
    }
  }
  if (chunk.tokens.length > 0) yield chunk
}

/** A line with content; if it is not a token, there is no token. */
interface Entry {
  /** Of the line, from 1. */
  readonly number: number
  readonly token: DeviceToken | undefined
}

async function* entriesOf(
  handle: FileHandle,
  hear?: (bytes: Buffer) => void,
): AsyncGenerator<readonly Entry[]> {
  let number = 0
  for await (const lines of linesOf(handle, hear)) {
    const entries: Entry[] = []
    for (const line of lines) {
      number += 1
      const text = line.trim()
      if (text !== '' && !text.startsWith('#'))
        entries.push({ number, token: parseDeviceToken(text) })
    }
    yield entries
  }
}

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'

/**
 * The lines of a file, many at a time, with one character per byte: anything that is not ASCII is
 * not a token.
 */
async function* linesOf(
  handle: FileHandle,
  hear: (bytes: Buffer) => void = () => {},
): AsyncGenerator<readonly string[]> {
  const stream = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 18 })
  let rest = ''
  let isFirst = true
  for await (const bytes of stream as AsyncIterable<Buffer>) {
    hear(bytes)
    const text = bytes.toString('latin1')
    const from = isFirst && text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0
    const lines = (rest + text.slice(from)).split('\n')
    isFirst = false
    rest = (lines.pop() ?? '').slice(0, MOST_CHARACTERS)
    yield lines
  }
  if (rest !== '') yield [rest]
}
