import { describe, expect, it, test } from 'vitest'
import { children, contextTag, oidOf, readDer, textOf } from '../src/trust/der-reader.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
/** An element whose length is in the short form. */
const element = (tag: number, ...content: number[]) => bytes(tag, content.length, ...content)
const zeros = (length: number) => Array<number>(length).fill(0)
const text = (tag: number, words: string) => readDer(element(tag, ...Buffer.from(words)))

describe('an element', () => {
  it.each([
    ['without content', bytes(0x05, 0x00), 0x05, 0],
    ['in the short form of lengths', bytes(0x04, 0x02, 7, 8), 0x04, 2],
    ['of the largest length in the short form', bytes(0x04, 0x7f, ...zeros(127)), 0x04, 127],
    ['of the smallest in the long form', bytes(0x04, 0x81, 0x80, ...zeros(128)), 0x04, 128],
    ['of 256 bytes', bytes(0x04, 0x82, 0x01, 0x00, ...zeros(256)), 0x04, 256],
    ['of 65,536 bytes', bytes(0x04, 0x83, 0x01, 0x00, 0x00, ...zeros(65_536)), 0x04, 65_536],
    ['with the largest tag of one byte', bytes(0x9e, 0x00), 0x9e, 0],
  ])('%s is read', (_what, der, tag, length) => {
    const read = readDer(der)
    expect(read.tag).toBe(tag)
    expect(read.content).toHaveLength(length)
  })

  it('of 2^24 bytes is read: four bytes of length are the most', () => {
    const der = new Uint8Array(6 + 2 ** 24)
    der.set([0x04, 0x84, 0x01, 0x00, 0x00, 0x00])
    expect(readDer(der).content).toHaveLength(2 ** 24)
  })

  it('has the bytes after its length, no fewer and no more', () => {
    expect([...readDer(bytes(0x04, 0x03, 1, 2, 3)).content]).toEqual([1, 2, 3])
  })

  it.each([
    ['nothing at all', bytes()],
    ['a tag alone', bytes(0x04)],
    ['less content than it says', bytes(0x04, 0x02, 1)],
    ['more bytes than it says', bytes(0x04, 0x01, 1, 2)],
    ['a tag number that goes on in further bytes', bytes(0x1f, 0x01, 0x00)],
    ['such a tag of another class', bytes(0xbf, 0x01, 0x00)],
    ['an indefinite length', bytes(0x30, 0x80, 0x00, 0x00)],
    [
      'an indefinite length, though as many bytes follow as its first says',
      bytes(0x30, 0x80, ...zeros(128)),
    ],
    ['a length of 127 in the long form', bytes(0x04, 0x81, 0x7f, ...zeros(127))],
    ['a length with a leading zero', bytes(0x04, 0x82, 0x00, 0x80, ...zeros(128))],
    ['a length of 255 in two bytes', bytes(0x04, 0x82, 0x00, 0xff, ...zeros(255))],
    ['a length of 65,535 in three', bytes(0x04, 0x83, 0x00, 0xff, 0xff, ...zeros(65_535))],
    ['a length that breaks off', bytes(0x04, 0x82, 0x01)],
    ['the length that X.690 reserves', bytes(0x04, 0xff)],
  ])('is not read from %s', (_what, der) => {
    expect(() => readDer(der)).toThrow(/^DER: /)
  })

  it('is not read from a length of five bytes, for which no memory would do', () => {
    expect(() => readDer(bytes(0x04, 0x85, 1, 0, 0, 0, 0))).toThrow('form that is not used')
  })
})

describe('the parts of an element', () => {
  it('are its elements in order', () => {
    const parts = children(readDer(element(0x30, 0x04, 0x01, 7, 0x05, 0x00)))
    expect(parts.map(({ tag, content }) => [tag, ...content])).toEqual([[0x04, 7], [0x05]])
    expect(children(readDer(element(0x30)))).toEqual([])
  })

  it.each([
    ['a primitive element', readDer(element(0x04, 0x05, 0x00))],
    ['an element that is missing', undefined],
  ])('are not those of %s', (_what, one) => {
    expect(() => children(one)).toThrow('DER: constructed expected')
  })

  it('do not go on behind the end of it', () => {
    expect(() => children(readDer(element(0x30, 0x04, 0x02, 7)))).toThrow('breaks off')
  })

  it('are wrapped by an EXPLICIT tag as by any other constructed one', () => {
    expect(contextTag(0)).toBe(0xa0)
    expect(contextTag(3)).toBe(0xa3)
    expect(children(readDer(element(contextTag(3), 0x05, 0x00)))).toHaveLength(1)
  })
})

describe('a text', () => {
  test.each([
    ['UTF8String', 0x0c],
    ['PrintableString', 0x13],
    ['IA5String', 0x16],
  ])('is a %s', (_type, tag) => {
    expect(textOf(text(tag, 'com.example'))).toBe('com.example')
  })

  it('keeps each character, a byte order mark included', () => {
    expect(textOf(text(0x0c, '\ufeffé'))).toBe('\ufeffé')
  })

  it.each([
    ['an octet string', text(0x04, 'com.example')],
    ['a BMPString', text(0x1e, 'com.example')],
    ['nothing', undefined],
  ])('is not %s', (_what, one) => {
    expect(() => textOf(one)).toThrow('DER: text expected')
  })

  it('is not what is not UTF-8', () => {
    expect(() => textOf(readDer(element(0x0c, 0xff)))).toThrow()
  })
})

describe('an object identifier', () => {
  const oid = (...content: number[]) => oidOf(readDer(element(0x06, ...content)))

  it.each([
    ['0.0', [0x00]],
    ['0.39', [0x27]],
    ['1.0', [0x28]],
    ['1.39', [0x4f]],
    ['2.0', [0x50]],
    ['2.40', [0x78]],
    ['2.5.4.3', [0x55, 0x04, 0x03]],
    ['2.999', [0x88, 0x37]],
    ['1.2.840.113635.100.6.3.6', [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 0x06, 0x03, 0x06]],
    ['1.2.0.1', [0x2a, 0x00, 0x01]],
    ['1.2.128', [0x2a, 0x81, 0x00]],
  ])('is %s', (dotted, content) => {
    expect(oid(...content)).toBe(dotted)
  })

  it('has arcs up to 2^53 - 1, exactly, and none beyond', () => {
    const largest = [0x8f, ...Array<number>(6).fill(0xff), 0x7f]
    expect(oid(0x2a, ...largest)).toBe(`1.2.${Number.MAX_SAFE_INTEGER}`)
    expect(() => oid(0x2a, 0x90, ...Array<number>(6).fill(0x80), 0x00)).toThrow('arc too large')
  })

  it.each([
    ['nothing', [], 'OID expected'],
    ['an arc that starts with a zero', [0x2a, 0x80, 0x01], 'padded arc'],
    ['a first arc that does', [0x80, 0x2a], 'padded arc'],
    ['an arc that breaks off', [0x2a, 0x86], 'breaks off'],
  ])('is not %s', (_what, content, fault) => {
    expect(() => oid(...content)).toThrow(fault)
  })

  it('is not an element of another type, nor one that is missing', () => {
    expect(() => oidOf(readDer(element(0x04, 0x2a)))).toThrow('OID expected')
    expect(() => oidOf(undefined)).toThrow('OID expected')
  })
})
