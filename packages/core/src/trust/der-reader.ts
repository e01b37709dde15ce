/**
 * Reads ASN.1 in DER (X.690), strictly: one-byte tags, definite lengths in their shortest form,
 * nothing left over. It is here for what OpenSSL has parsed but Node does not show: a library that
 * also writes would weigh forty kilobytes in every bundle that has it.
 */
export interface Element {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number
  readonly content: Uint8Array
}

export const tags = {
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
} as const

/** The tag of `[number] EXPLICIT` and of every constructed context-specific element. */
export const contextTag = (number: number): number => 0xa0 | number

const CONSTRUCTED = 0x20
const HIGH_TAG_NUMBER = 0x1f

/** The single element in these bytes; throws if they are anything else. */
export function readDer(bytes: Uint8Array): Element {
  const [element, end] = readElement(bytes, 0)
  if (end !== bytes.length) throw new Error('DER: bytes left over')
  return element
}

/** The parts of a constructed element; throws if it is a primitive one or missing. */
export function children(element: Element | undefined): Element[] {
  if (!element || (element.tag & CONSTRUCTED) === 0) throw new Error('DER: constructed expected')
  const parts: Element[] = []
  for (let at = 0; at < element.content.length; ) {
    const [part, end] = readElement(element.content, at)
    parts.push(part)
    at = end
  }
  return parts
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const textTags: readonly number[] = [tags.utf8String, tags.printableString, tags.ia5String]

/** The text of a UTF8String, PrintableString or IA5String. */
export function textOf(element: Element | undefined): string {
  if (!element || !textTags.includes(element.tag)) throw new Error('DER: text expected')
  return utf8.decode(element.content)
}

/** An object identifier in dots, with arcs up to 2^53. */
export function oidOf(element: Element | undefined): string {
  if (element?.tag !== tags.oid || element.content.length === 0)
    throw new Error('DER: OID expected')
  const arcs: number[] = []
  let arc = 0
  for (const byte of element.content) {
    if (arc === 0 && byte === 0x80) throw new Error('DER: padded arc')
    arc = arc * 128 + (byte & 0x7f)
    if (!Number.isSafeInteger(arc)) throw new Error('DER: arc too large')
    if (byte & 0x80) continue
    arcs.push(arc)
    arc = 0
  }
  if (arc !== 0) throw new Error('DER: OID breaks off')
  const [first = 0, ...rest] = arcs
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - 40 * root, ...rest].join('.')
}

function readElement(bytes: Uint8Array, start: number): [element: Element, end: number] {
  const tag = byteAt(bytes, start)
  if ((tag & HIGH_TAG_NUMBER) === HIGH_TAG_NUMBER) throw new Error('DER: tag too large')
  const [length, from] = readLength(bytes, start + 1)
  const end = from + length
  if (end > bytes.length) throw new Error('DER: element breaks off')
  return [{ tag, content: bytes.subarray(from, end) }, end]
}

/** X.690 §8.1.3 and §10.1. */
function readLength(bytes: Uint8Array, at: number): [length: number, from: number] {
  const first = byteAt(bytes, at)
  if (first < 0x80) return [first, at + 1]
  const count = first & 0x7f
  if (count < 1 || count > 4) throw new Error('DER: length of a form that is not used')
  let length = 0
  for (let index = 1; index <= count; index += 1) length = length * 256 + byteAt(bytes, at + index)
  if (length < 0x80 || length < 256 ** (count - 1)) throw new Error('DER: length not the shortest')
  return [length, at + 1 + count]
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new Error('DER: element breaks off')
  return byte
}
