import { appendFileSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { notification, now, seqAt } from '../../../test/contract/samples.ts'
import { MachineError } from '../src/failure.ts'
import { type Journal, type JournalOptions, openJournal } from '../src/pipeline/journal.ts'
import { temporaryFolder } from './folder.ts'

/** A journal whose files are closed with the test, like those of a process that has ended. */
async function opened(options: JournalOptions): Promise<Journal> {
  const journal = await openJournal(options)
  onTestFinished(() => journal.close())
  return journal
}

/** What all open files of this process have in common. */
async function fileHandles(): Promise<FileHandle> {
  const file = await open('/dev/null')
  await file.close()
  return Object.getPrototypeOf(file) as FileHandle
}

const seqsIn = (journal: Journal) => journal.left.map(({ seq }) => seq)
const segments = (folder: string) => readdirSync(folder).sort()

test('what was added and is not done is there after a crash, as it was', async () => {
  const folder = temporaryFolder()
  const journal = await opened({ folder })
  const [first, second] = [notification(), notification({ payload: '{"t":"Grüße\\n\u{1f30d}"}' })]
  await Promise.all([journal.add(first), journal.add(second)])
  // a second process opens what the first, which never closed it, has left
  expect((await opened({ folder })).left).toEqual([first, second])
})

test('what is done is gone', async () => {
  const folder = temporaryFolder()
  const journal = await opened({ folder })
  const [first, second] = [notification(), notification({ seq: seqAt(now + 1) })]
  await journal.add(first)
  await journal.add(second)
  journal.done(first.seq)
  await journal.close()
  expect(seqsIn(await opened({ folder }))).toEqual([second.seq])
})

test('what is done is noted on disk, though nothing else is written', async () => {
  const folder = temporaryFolder()
  const journal = await opened({ folder })
  const one = notification()
  await journal.add(one)
  const { bytes } = journal
  journal.done(one.seq)
  const [name = ''] = segments(folder)
  const written = () => readFileSync(join(folder, name), 'utf8')
  await expect.poll(written).toContain(`-${one.seq}\n`)
  await expect.poll(() => journal.bytes).toBe(written().length)
  expect(journal.bytes).toBeGreaterThan(bytes)
  expect(seqsIn(await opened({ folder }))).toEqual([])
})

test('what was left is left again, until it is done', async () => {
  const folder = temporaryFolder()
  const one = notification()
  await (await opened({ folder })).add(one)
  await opened({ folder })
  const third = await opened({ folder })
  expect(seqsIn(third)).toEqual([one.seq])
  third.done(one.seq)
  await third.close()
  expect(seqsIn(await opened({ folder }))).toEqual([])
})

test('all that is asked for at once is one write', async () => {
  const counts: number[] = []
  const onWrite = (_: number, count: number) => counts.push(count)
  const journal = await opened({ folder: temporaryFolder(), onWrite })
  await Promise.all(Array.from({ length: 50 }, () => journal.add(notification())))
  expect(counts).toEqual([50])
})

describe('a line that was cut off or changed', () => {
  test.each([
    ['cut off', (text: string) => text.slice(0, -40)],
    ['of other bytes', (text: string) => text.replace(/"priority":10/g, '"priority":5')],
    ['of zeros', (text: string) => `${text.slice(0, -40)}${'\0'.repeat(40)}`],
  ])('%s does not count, and what came before it does', async (_, damage) => {
    const folder = temporaryFolder()
    const journal = await opened({ folder })
    const first = notification({ priority: 5 })
    await journal.add(first)
    await journal.add(notification({ seq: seqAt(now + 1) }))
    const [name = ''] = segments(folder)
    const [whole = '', last = ''] = readFileSync(join(folder, name), 'utf8').split(/(?<=\n)/)
    writeFileSync(join(folder, name), whole + damage(last))
    expect(seqsIn(await opened({ folder }))).toEqual([first.seq])
  })

  test('ends its segment: what somebody put behind it is not read', async () => {
    const folder = temporaryFolder()
    const journal = await opened({ folder })
    await journal.add(notification())
    const [name = ''] = segments(folder)
    const path = join(folder, name)
    const good = readFileSync(path, 'utf8')
    writeFileSync(path, `damaged\n`)
    appendFileSync(path, good)
    expect((await opened({ folder })).left).toEqual([])
  })
})

describe('segments', () => {
  test('go when all in them is done, the oldest first', async () => {
    const folder = temporaryFolder()
    const journal = await opened({ folder, segmentBytes: 1 })
    const [first, second] = [notification(), notification({ seq: seqAt(now + 1) })]
    await journal.add(first)
    await journal.add(second)
    await expect.poll(() => segments(folder)).toHaveLength(3)
    journal.done(second.seq)
    await journal.add(notification({ seq: seqAt(now + 2) }))
    // the second holds nothing, but says so of nothing either: it waits for the first
    await expect.poll(() => segments(folder)).toHaveLength(4)
    journal.done(first.seq)
    await journal.add(notification({ seq: seqAt(now + 3) }))
    await expect.poll(() => segments(folder).length).toBeLessThan(4)
  })

  test('that hold something long under way do not pile up', async () => {
    const folder = temporaryFolder()
    const journal = await opened({ folder, segmentBytes: 1 })
    const stuck = notification()
    await journal.add(stuck)
    for (let n = 1; n <= 200; n += 1) {
      const one = notification({ seq: seqAt(now + n) })
      await journal.add(one)
      journal.done(one.seq)
    }
    expect(segments(folder).length).toBeLessThan(20)
    await journal.close()
    const again = await opened({ folder })
    expect(seqsIn(again)).toEqual([stuck.seq])
  })
})

test('what is all under way is not written again and again', async () => {
  const folder = temporaryFolder()
  let written = 0
  const onWrite = (_: number, count: number) => {
    written += count
  }
  const journal = await opened({ folder, segmentBytes: 1, onWrite })
  const all = Array.from({ length: 12 }, (_, n) => notification({ seq: seqAt(now + n) }))
  for (const one of all) await journal.add(one)
  await expect.poll(() => segments(folder)).toHaveLength(13)
  // whatever follows from it has its time
  for (let n = 0; n < 300; n += 1) await readdir(folder)
  expect([written, segments(folder).length]).toEqual([12, 13])
  await journal.close()
  expect(seqsIn(await opened({ folder }))).toEqual(all.map(({ seq }) => seq))
})

test.each([5, 6, 7, 8])(
  'a closed journal writes nothing more, whatever was to be written again: after %i',
  async (count) => {
    const folder = temporaryFolder()
    let writes = 0
    const onWrite = () => {
      writes += 1
    }
    const journal = await opened({ folder, segmentBytes: 1, onWrite })
    const stuck = notification()
    await journal.add(stuck)
    for (let n = 1; n <= count; n += 1) {
      const one = notification({ seq: seqAt(now + n) })
      await journal.add(one)
      journal.done(one.seq)
    }
    // a write in progress, and one more that makes so many segments that the oldest has to go
    void journal.add(notification({ seq: seqAt(now + 10) }))
    await new Promise((resolve) => setImmediate(resolve))
    void journal.add(notification({ seq: seqAt(now + 11) }))
    await journal.close()
    const [before, written] = [segments(folder), writes]
    for (let n = 0; n < 300; n += 1) await readdir(folder)
    expect([segments(folder), writes]).toEqual([before, written])
    expect(seqsIn(await opened({ folder }))).toContain(stuck.seq)
  },
)

test('what is done just before it is written once more is gone', async () => {
  const folder = temporaryFolder()
  const journal = await opened({ folder, segmentBytes: 1 })
  const stuck = notification()
  await journal.add(stuck)
  const prototype = await fileHandles()
  const { sync } = prototype
  let isDone = false
  const syncs = vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    await sync.call(this)
    const { close } = this
    // the last step before the entries of the oldest segment wait for the next write
    this.close = async () => {
      await close.call(this)
      if (isDone || segments(folder).length <= 8) return
      isDone = true
      setImmediate(() => journal.done(stuck.seq))
    }
  })
  onTestFinished(() => syncs.mockRestore())
  for (let n = 1; !isDone && n <= 60; n += 1) {
    const one = notification({ seq: seqAt(now + n) })
    await journal.add(one)
    // the last one keeps the segment that both are in
    if (!isDone) journal.done(one.seq)
  }
  await journal.close()
  expect([isDone, journal.problem]).toEqual([true, undefined])
  expect(seqsIn(await opened({ folder }))).not.toContain(stuck.seq)
})

test('no segment goes while a backup reads them', async () => {
  const folder = temporaryFolder()
  const journal = await opened({ folder, segmentBytes: 1 })
  const release = journal.keepSegments()
  const work = async (from: number) => {
    for (let n = from; n < from + 5; n += 1) {
      const one = notification({ seq: seqAt(now + n) })
      await journal.add(one)
      journal.done(one.seq)
    }
  }
  await work(0)
  expect(segments(folder).length).toBeGreaterThanOrEqual(5)
  release()
  await work(10)
  await expect.poll(() => segments(folder).length).toBeLessThan(5)
})

test('what is asked of a closed journal is refused, not forgotten', async () => {
  const journal = await opened({ folder: temporaryFolder() })
  await journal.close()
  await expect(journal.add(notification())).rejects.toThrow('the journal is closed')
})

describe('a full disk', () => {
  /** The third segment is a file that no byte fits in. */
  async function filled() {
    const folder = temporaryFolder()
    const journal = await opened({ folder, segmentBytes: 1 })
    symlinkSync('/dev/full', join(folder, '000000000003.journal'))
    const kept = notification()
    await journal.add(kept)
    await journal.add(notification({ seq: seqAt(now + 1) }))
    return { folder, journal, kept }
  }

  test.skipIf(process.platform !== 'linux')('refuses what it cannot keep, in words', async () => {
    const { journal } = await filled()
    const refused = journal.add(notification({ seq: seqAt(now + 2) }))
    await expect(refused).rejects.toThrow(MachineError)
    await expect(refused).rejects.toThrow(/no space left .* free space/)
    expect(journal.problem).toMatch(/no space left/)
  })

  /** Writes of this process fail until the test has ended, or frees the space. */
  async function fill() {
    const prototype = await fileHandles()
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
    const writes = vi.spyOn(prototype, 'write').mockRejectedValue(full)
    onTestFinished(() => writes.mockRestore())
    return () => writes.mockRestore()
  }

  test('is noticed to be over, though nobody asks for anything', async () => {
    const folder = temporaryFolder()
    const journal = await opened({ folder })
    const kept = notification()
    await journal.add(kept)
    const free = await fill()
    await expect(journal.add(notification({ seq: seqAt(now + 1) }))).rejects.toThrow(MachineError)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(journal.problem).toMatch(/no space left/)
    free()
    await expect.poll(() => journal.problem, { timeout: 20_000 }).toBeUndefined()
    const later = notification({ seq: seqAt(now + 2) })
    await journal.add(later)
    await journal.close()
    expect(seqsIn(await opened({ folder }))).toEqual([kept.seq, later.seq])
  })

  test('at the start leaves what was there as it was', async () => {
    const folder = temporaryFolder()
    const kept = notification()
    await (await opened({ folder })).add(kept)
    const before = segments(folder)
    const free = await fill()
    await expect(openJournal({ folder })).rejects.toThrow(/no space left .* free space/)
    free()
    expect(segments(folder)).toEqual(before)
    expect(seqsIn(await opened({ folder }))).toEqual([kept.seq])
  })
})
