/** Rejects with `failure`, and after how long, where the work is not done by then. */
export async function within<Result>(
  limitMs: number,
  work: Promise<Result>,
  failure: string,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const text = `${failure} within ${limitMs / 1000} s`
    timer = setTimeout(() => reject(new Error(text)), limitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    // whatever becomes of it later is nobody's concern
    work.catch(() => {})
  }
}
