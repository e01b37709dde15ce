import { packetEnd } from './frames.ts'

/** Bytes of incomplete packets, over all connections. */
export interface PartialBytes {
  held: number
  readonly most: number
}

/** Why nothing more is read from a connection. */
export type ReadProblem = 'malformed' | 'too-large' | 'no-room'

const nothing = Buffer.alloc(0)

/**
 * Cuts the bytes of one connection into whole packets. It keeps nothing between two packets, so that a
 * connection that says nothing costs nothing; a packet that is too large is refused by its header.
 */
export class PacketReader {
  readonly #room: PartialBytes
  /** The incomplete packet, with room for more of it after its `#length` bytes. */
  #rest: Buffer = nothing
  #length = 0
  /** Bytes that make it whole, once its header has come. */
  #wanted = 0

  constructor(room: PartialBytes) {
    this.#room = room
  }

  /**
   * Passes every complete packet to `take`; returns a description of the fault, if there is one.
   */
  read(chunk: Buffer, mostBytes: number, take: (packet: Buffer) => void): ReadProblem | undefined {
    if (this.#length === 0) return this.#cut(chunk, mostBytes, take)
    this.#append(chunk)
    if (this.#length < this.#wanted) return this.#judge()
    return this.#cut(this.#rest.subarray(0, this.#length), mostBytes, take)
  }

  /** Whether a packet is incomplete. */
  get isWithin(): boolean {
    return this.#length > 0
  }

  /** Gives back what the connection held. */
  end(): void {
    this.#hold(nothing, 0)
  }

  #cut(bytes: Buffer, mostBytes: number, take: (packet: Buffer) => void): ReadProblem | undefined {
    let start = 0
    while (start < bytes.length) {
      const end = packetEnd(bytes, start)
      if (end === 'malformed') return end
      this.#wanted = end === undefined ? 0 : end - start
      if (this.#wanted > mostBytes) return 'too-large'
      if (end === undefined || end > bytes.length) break
      take(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
      start = end
    }
    // a copy, which does not keep the whole chunk in memory
    this.#hold(start === bytes.length ? nothing : Buffer.from(bytes.subarray(start)))
    return this.#judge()
  }

  /** Twice the room each time: a packet that comes byte by byte is not copied once for each byte. */
  #append(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (length > this.#rest.length) {
      const roomier = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#rest.length))
      this.#rest.copy(roomier, 0, 0, this.#length)
      this.#hold(roomier, this.#length)
    }
    chunk.copy(this.#rest, this.#length)
    this.#length = length
  }

  #hold(rest: Buffer, length = rest.length): void {
    this.#room.held += rest.length - this.#rest.length
    this.#rest = rest
    this.#length = length
  }

  /** A connection that adds nothing is not charged for what others hold. */
  #judge(): ReadProblem | undefined {
    return this.#length > 0 && this.#room.held > this.#room.most ? 'no-room' : undefined
  }
}
