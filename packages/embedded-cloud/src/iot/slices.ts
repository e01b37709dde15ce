import type { Readable } from 'node:stream'

/** Some frames of the usual size; a message of 128 kB takes as many turns as it has kilobytes. */
const sliceBytes = 1024

/**
 * Gives a reader that wants everything only a slice in each turn of the event loop. A client that
 * sends a burst is then read along with the others, and not ahead of them; while its reader does
 * not ask, it has to wait.
 */
export function readInSlices(stream: Readable, bytes: number = sliceBytes): void {
  const read = stream.read.bind(stream)
  let hadItsTurn = false
  const nextTurn = (): void => {
    hadItsTurn = false
    stream.emit('readable')
  }
  stream.read = (size?: number) => {
    if (typeof size === 'number') return read(size)
    if (hadItsTurn) return null
    if (stream.readableLength <= bytes) return read()
    hadItsTurn = true
    setImmediate(nextTurn)
    return read(bytes)
  }
}
