import { createReadStream } from 'node:fs'
import { Failure } from '../failure.ts'
import { type Begun, type Done, parseEntry, parseTerms, type Terms } from './entries.ts'

/** What a campaign is, of the first line of its journal. */
export async function readTerms(path: string): Promise<{ terms: Terms; end: number }> {
  for await (const { bytes, end } of eachLine(path)) {
    const terms = parseTerms(parsed(bytes))
    if (terms) return { terms, end }
    break
  }
  throw new Failure(
    'refused',
    `${path} is not the journal of a campaign: name another with --resume`,
  )
}

interface Placed<T> {
  readonly entry: T
  /** Bytes of the file up to its end. */
  readonly end: number
}

/** The whole lines after the first. */
export async function* eachEntry(path: string, terms: Terms): AsyncGenerator<Placed<Begun | Done>> {
  let number = 0
  for await (const { bytes, end } of eachLine(path)) {
    number += 1
    if (number === 1) continue
    const entry = parseEntry(parsed(bytes), terms)
    if (!entry)
      throw new Failure(
        'refused',
        `${path} is damaged in line ${number}: it is unknown what was sent; restore it, or start a new campaign with another --resume`,
      )
    yield { entry, end }
  }
}

/** A request's worth of dead tokens takes some 120 kB. */
const MOST_BYTES = 1 << 20

/**
 * Lines with a line end: the last line of a killed process may lack it, and counts as not written.
 */
async function* eachLine(path: string): AsyncGenerator<{ bytes: Buffer; end: number }> {
  let rest = Buffer.alloc(0)
  let end = 0
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, piece])
    let from = 0
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n', from)) {
      end += at + 1 - from
      yield { bytes: rest.subarray(from, at), end }
      from = at + 1
    }
    rest = rest.subarray(from)
    // no line of a journal is so long; another file's could fill the memory
    if (rest.length > MOST_BYTES) yield { bytes: Buffer.alloc(0), end }
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
