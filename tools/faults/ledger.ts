/** One app on one device: what a slot is kept for. */
export interface Lane {
  readonly deviceId: string
  readonly topic: string
  readonly token: string
}

/** What became of one request of the provider. */
export interface Answered {
  /** 0 where the connection ended without an answer. */
  readonly status: number
  readonly reason: string | undefined
  readonly uniqueId: string | undefined
  /** Milliseconds from the request to the end of its answer. */
  readonly ms: number
  /** What is wrong with the answer's form, if anything. */
  readonly malformed: string | undefined
}

interface LaneRecord {
  readonly lane: Lane
  readonly sends: Answered[]
  readonly arrived: Set<number>
  repeats: number
  newestSeq: string
}

export interface Missing {
  readonly lane: Lane
  /** The number of the newest accepted notification, which never came, nor any after it. */
  readonly newest: number
  readonly uniqueId: string | undefined
}

/**
 * Who was sent what, what was answered, and what arrived. The sends of one lane are numbered and
 * never overlap, so a greater number was accepted later.
 */
export class Ledger {
  readonly #lanes = new Map<string, LaneRecord>()
  readonly misdelivered: string[] = []

  add(lane: Lane): void {
    const nothing = { sends: [], arrived: new Set<number>(), repeats: 0, newestSeq: '' }
    this.#lanes.set(laneKey(lane), { lane, ...nothing })
  }

  /** The text of the lane's next notification. */
  nextText(lane: Lane): string {
    const { sends } = this.#of(lane)
    return `${laneKey(lane)} ${sends.length}`
  }

  answered(lane: Lane, answer: Answered): void {
    this.#of(lane).sends.push(answer)
  }

  arrived(deviceId: string, text: string, seq: string): void {
    const [key = '', number = ''] = text.split(' ')
    const record = this.#lanes.get(key)
    if (!record || record.lane.deviceId !== deviceId) {
      this.misdelivered.push(`${text} at ${deviceId}`)
      return
    }
    if (record.arrived.has(Number(number))) record.repeats += 1
    record.arrived.add(Number(number))
    if (seq > record.newestSeq) record.newestSeq = seq
  }

  /** The greatest seq that a lane has received, by its key; empty where nothing came. */
  newestSeq(key: string): string {
    return this.#lanes.get(key)?.newestSeq ?? ''
  }

  get answers(): Answered[] {
    return [...this.#lanes.values()].flatMap(({ sends }) => sends)
  }

  get accepted(): number {
    return this.answers.filter(({ status }) => status === 200).length
  }

  get arrivals(): number {
    return [...this.#lanes.values()].reduce((sum, { arrived }) => sum + arrived.size, 0)
  }

  get repeats(): number {
    return [...this.#lanes.values()].reduce((sum, { repeats }) => sum + repeats, 0)
  }

  /**
   * Lanes whose newest accepted notification has not come, nor a later one: a request that was not
   * answered 200 may still have reached the queue and then rightly takes the slot.
   */
  missing(): Missing[] {
    return [...this.#lanes.values()].flatMap(({ lane, sends, arrived }) => {
      const newest = sends.findLastIndex(({ status }) => status === 200)
      if (newest < 0 || [...arrived].some((number) => number >= newest)) return []
      return [{ lane, newest, uniqueId: sends[newest]?.uniqueId }]
    })
  }

  #of(lane: Lane): LaneRecord {
    const record = this.#lanes.get(laneKey(lane))
    if (!record) throw new Error(`lane ${laneKey(lane)} was not added`)
    return record
  }
}

/** Names a lane in texts and reports. */
export function laneKey({ deviceId, topic }: Pick<Lane, 'deviceId' | 'topic'>): string {
  return `${deviceId}/${topic}`
}
