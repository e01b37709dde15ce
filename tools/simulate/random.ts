/** Randomness that a seed determines. */
export interface Random {
  /** From 0 up to 1. */
  next(): number
  /** A whole number from 0 up to `below`. */
  int(below: number): number
  chance(probability: number): boolean
  between(low: number, high: number): number
  /** Spread evenly over orders of magnitude. */
  logBetween(low: number, high: number): number
  /** Waiting time of this mean until something that may happen at any moment. */
  wait(mean: number): number
  pick<T>(items: readonly T[]): T
  shuffle<T>(items: readonly T[]): T[]
  bytes(length: number): Uint8Array
}

export function random(seed: number): Random {
  const next = sfc32(seed)
  const int = (below: number) => Math.floor(next() * below)
  const between = (low: number, high: number) => low + next() * (high - low)
  return {
    next,
    int,
    between,
    chance: (probability) => next() < probability,
    logBetween: (low, high) => Math.exp(between(Math.log(low), Math.log(high))),
    wait: (mean) => -Math.log(1 - next()) * mean,
    pick: <T>(items: readonly T[]) => items[int(items.length)] as T,
    shuffle: (items) => shuffle(items, int),
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
  }
}

/** Chris Doty-Humphrey's Small Fast Counter, 32 bits (PractRand); 16 rounds mix the seed in. */
function sfc32(seed: number): () => number {
  let [a, b, c, d] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b9, 1]
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }
  for (let round = 0; round < 16; round += 1) next()
  return next
}

function shuffle<T>(items: readonly T[], int: (below: number) => number): T[] {
  const mixed = [...items]
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const place = int(last + 1)
    ;[mixed[last], mixed[place]] = [mixed[place] as T, mixed[last] as T]
  }
  return mixed
}
