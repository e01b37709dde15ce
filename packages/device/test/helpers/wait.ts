/** Waits until `condition` gives something true, and returns that; fails after `limitMs`. */
export async function until<Value>(
  condition: () => Value | undefined | false | Promise<Value | undefined | false>,
  what: string,
  limitMs = 30_000,
): Promise<Value> {
  const end = Date.now() + limitMs
  while (Date.now() < end) {
    const value = await condition()
    if (value) return value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`waited ${limitMs} ms for nothing: ${what}`)
}
