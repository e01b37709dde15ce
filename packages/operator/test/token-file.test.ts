import { randomBytes } from 'node:crypto'
import { appendFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openTokenFile, spoolTokens, type TokenFile } from '../src/campaign/token-file.ts'
import { TokenSet } from '../src/campaign/token-set.ts'
import { scratchFolder } from './support.ts'

const folder = scratchFolder()
afterAll(() => folder.remove())

const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string]

let files = 0
async function opened(text: string | Buffer): Promise<TokenFile> {
  files += 1
  const path = join(folder.path, `tokens-${files}`)
  writeFileSync(path, text)
  return openTokenFile(path)
}

async function tokensOf(file: TokenFile, size = 1_000): Promise<string[][]> {
  const chunks: string[][] = []
  for await (const { number, tokens } of file.chunks(size)) {
    expect(number).toBe(chunks.length)
    chunks.push([...tokens])
  }
  await file.close()
  return chunks
}

describe('a token file', () => {
  it.each([
    ['a line end at the end', `${a}\n${b}\n`],
    ['none', `${a}\n${b}`],
    ['those of Windows, and its byte order mark', `\ufeff${a}\r\n${b}\r\n`],
    ['comments, empty lines and spaces', `# kiosks\n\n  ${a}\t\n   # ${c}\n${b}  \n\n`],
    ['capitals', `${a.toUpperCase()}\n${b}\n`],
  ])('with %s', async (_name, text) => {
    const file = await opened(text)
    expect(file).toMatchObject({ count: 2, repeated: 0, bad: { count: 0, first: [] } })
    expect(await tokensOf(file)).toEqual([[a, b]])
  })

  it('names its bad lines by their numbers, the first ten', async () => {
    const bad = Array.from({ length: 12 }, (_, n) => `line ${n}`)
    const file = await opened([a, 'ab', '', b, `${a}0`, ...bad].join('\n'))
    expect(file.bad).toEqual({ count: 14, first: [2, 5, 6, 7, 8, 9, 10, 11, 12, 13] })
    expect(await tokensOf(file)).toEqual([[a, b]])
  })

  it('gives a token once, whatever the case of its letters', async () => {
    const file = await opened([a, b, a.toUpperCase(), c, b, a].join('\n'))
    expect(file).toMatchObject({ count: 3, repeated: 3 })
    expect(await tokensOf(file, 2)).toEqual([[a, b], [c]])
  })

  it('is cut in the same places each time', async () => {
    const tokens = Array.from({ length: 5_000 }, () => randomBytes(32).toString('hex'))
    const file = await opened(tokens.join('\n'))
    const chunks: string[][] = []
    for await (const chunk of file.chunks(700)) chunks.push([...chunk.tokens])
    expect(await tokensOf(file, 700)).toEqual(chunks)
    expect(chunks.map(({ length }) => length)).toEqual([700, 700, 700, 700, 700, 700, 700, 100])
    expect(chunks.flat()).toEqual(tokens)
  })

  it('without line ends fills no memory', async () => {
    const file = await opened(Buffer.alloc(8 << 20, 'ab'))
    expect(file).toMatchObject({ count: 0, bad: { count: 1, first: [1] } })
    await file.close()
  })

  it('has a digest of its bytes', async () => {
    const [one, same, other] = await Promise.all([opened(a), opened(a), opened(`${a}\n`)])
    expect(one.digest).toBe(same.digest)
    expect(one.digest).not.toBe(other.digest)
    await Promise.all([one, same, other].map((file) => file.close()))
  })

  it('that is changed while it is read is given up', async () => {
    const tokens = Array.from({ length: 20_000 }, () => randomBytes(32).toString('hex'))
    const path = join(folder.path, 'changed')
    writeFileSync(path, tokens.join('\n'))
    const file = await openTokenFile(path)
    const read = async () => {
      for await (const { number } of file.chunks(1_000))
        if (number === 1) appendFileSync(path, `\n${a}`)
    }
    await expect(read()).rejects.toThrow('changed while it was being read')
    await file.close()
  })

  it('that is not there, or a folder, is told in one sentence', async () => {
    await expect(openTokenFile(join(folder.path, 'nothing'))).rejects.toThrow(
      'there is no such file',
    )
    await expect(openTokenFile(folder.path)).rejects.toThrow('it is a directory')
  })

  it.each([
    ['a NUL', `${a}\0`],
    ['an order to the terminal', `\u001b[2J${a}`],
    ['old line ends', `${a}\r${b}`],
    ['characters that only look like digits', `${'\uff11'.repeat(64)}`],
    ['UTF-16', Buffer.from(`\ufeff${a}`, 'utf16le')],
  ])('with %s has a bad line, told by its number alone', async (_name, text) => {
    const file = await opened(Buffer.concat([Buffer.from(`${c}\n`), Buffer.from(text)]))
    expect(file).toMatchObject({ count: 1, bad: { count: 1, first: [2] } })
    expect(await tokensOf(file)).toEqual([[c]])
  })

  it('that is too large is refused before it is read', async () => {
    const path = join(folder.path, 'huge')
    writeFileSync(path, '')
    truncateSync(path, 10 * 2 ** 30)
    await expect(openTokenFile(path)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('is larger than 1 GiB'),
    })
  })

  it('without an end is none', async () => {
    await expect(openTokenFile('/dev/zero')).rejects.toThrow('is not a file')
  })

  it('of standard input is refused where it does not end, and leaves nothing', async () => {
    async function* endless() {
      for (;;) yield Buffer.from(`${a}\n`)
    }
    await expect(spoolTokens(endless(), 10_000)).rejects.toThrow('standard input is larger')
  })

  it('may come by standard input, of which nothing stays', async () => {
    const spools = () =>
      readdirSync(tmpdir()).filter((name) => name.startsWith('heliograph-tokens-'))
    const before = spools()
    async function* input() {
      yield Buffer.from(`${a}\n${b.slice(0, 10)}`)
      yield Buffer.from(`${b.slice(10)}\n`)
    }
    const file = await spoolTokens(input())
    expect(spools()).toEqual(before)
    expect(await tokensOf(file)).toEqual([[a, b]])
  })
})

describe('a token set', () => {
  it('knows what was added, through all its sizes', () => {
    const set = new TokenSet(0)
    const tokens = Array.from({ length: 3_000 }, (_, n) => n.toString(16).padStart(64, '0'))
    expect(tokens.map((token) => set.add(token))).not.toContain(false)
    expect(tokens.map((token) => set.add(token))).not.toContain(true)
  })
})
