import { packetEnd } from './frames.ts'

/** Bytes of packets that have not come whole, over all connections. */
export interface PartialBytes {
  held: number
  readonly most: number
}

/** Why a connection's bytes are read no further. */
export type ReadProblem = 'malformed' | 'too-large' | 'no-room'

const nothing = Buffer.alloc(0)

/**
 * Cuts the bytes of one connection into whole packets. It keeps nothing between two packets, so that a
 * connection that says nothing costs nothing; a packet that is too large is refused by its header.
 */
export class PacketReader {
  readonly #room: PartialBytes
  #rest = nothing

  constructor(room: PartialBytes) {
    this.#room = room
  }

  /** Hands every packet that has come whole to `take`; says what is wrong, if anything is. */
  read(chunk: Buffer, mostBytes: number, take: (packet: Buffer) => void): ReadProblem | undefined {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let start = 0
    while (start < bytes.length) {
      const end = packetEnd(bytes, start)
      if (end === 'malformed') return end
      if (end !== undefined && end - start > mostBytes) return 'too-large'
      if (end === undefined || end > bytes.length) break
      take(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
      start = end
    }
    return this.#keep(start === bytes.length ? nothing : bytes.subarray(start))
  }

  /** Whether a packet has begun and not ended. */
  get isWithin(): boolean {
    return this.#rest.length > 0
  }

  /** Gives back what the connection held. */
  end(): void {
    this.#keep(nothing)
  }

  /** A copy: what is kept must not hold on to the whole chunk that it came in. */
  #keep(rest: Buffer): ReadProblem | undefined {
    this.#room.held += rest.length - this.#rest.length
    this.#rest = rest.length === 0 ? nothing : Buffer.from(rest)
    // whoever adds nothing does not pay for what others hold
    return rest.length > 0 && this.#room.held > this.#room.most ? 'no-room' : undefined
  }
}
