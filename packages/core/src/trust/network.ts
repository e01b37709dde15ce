/** An IPv4 address as a socket for both versions shows it (RFC 4291 §2.5.5.2): each is a client of its own. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** What whoever has one address surely has: an IPv4 address, or the /64 of an IPv6 one (RFC 6177). */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const mapped = MAPPED.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [before = '', after] = address.split('::')
  const head = groupsOf(before)
  const tail = groupsOf(after ?? '')
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return [...head, ...zeros, ...tail].slice(0, 4).join(':')
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
