import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { readInSlices } from '../src/iot/slices.ts'

const sliceBytes = 10

/** A reader like aedes's: whenever something is readable it asks for everything, and again when it is done with that. */
function readerOf(stream: PassThrough): Buffer[] {
  const pieces: Buffer[] = []
  const readAll = () => {
    const piece: Buffer | null = stream.read()
    if (piece === null) return
    pieces.push(piece)
    readAll()
  }
  stream.on('readable', readAll)
  return pieces
}

function sliced() {
  const stream = new PassThrough()
  readInSlices(stream, sliceBytes)
  return { stream, pieces: readerOf(stream) }
}

describe('reading in slices', () => {
  it('gives a burst in pieces, each in another turn of the event loop', async () => {
    const { stream, pieces } = sliced()
    const burst = Buffer.from(Array.from({ length: 35 }, (_, n) => n))
    stream.write(burst)
    let before = 0
    for (let turn = 0; turn < 12; turn += 1) {
      await nextTurn()
      expect(pieces.length - before).toBeLessThanOrEqual(1)
      before = pieces.length
    }
    expect(pieces.map(({ length }) => length)).toEqual([10, 10, 10, 5])
    expect(Buffer.concat(pieces)).toEqual(burst)
  })

  it('gives what is small at once, and all that is left before the stream ends', async () => {
    const { stream, pieces } = sliced()
    stream.write('small')
    await nextTurn()
    expect(pieces.map(String)).toEqual(['small'])
    const ended = new Promise((resolve) => stream.once('end', resolve))
    stream.end('x'.repeat(25))
    await ended
    expect(Buffer.concat(pieces).toString()).toBe(`small${'x'.repeat(25)}`)
  })

  it('gives a reader that says how much exactly that', async () => {
    const stream = new PassThrough()
    readInSlices(stream, sliceBytes)
    stream.write('x'.repeat(25))
    await nextTurn()
    expect(String(stream.read(20))).toBe('x'.repeat(20))
  })
})
