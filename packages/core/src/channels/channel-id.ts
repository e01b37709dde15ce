import type { ChannelId } from '@heliograph/protocol/identifiers'
import type { Ids } from '../ports.ts'

const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const LENGTH = 24
/** Bytes from here on would make the first characters of the alphabet likelier than the others. */
const FAIR_BYTES = 256 - (256 % CHARACTERS.length)
/** Enough for 24 fair ones in all but one of 10^18 cases; then more are drawn. */
const BYTES_AT_ONCE = 48

/** A new channel's id: 24 characters, each drawn by itself. */
export function newChannelId({ bytes }: Pick<Ids, 'bytes'>): ChannelId {
  let id = ''
  while (id.length < LENGTH) id += fairCharacters(bytes(BYTES_AT_ONCE))
  return id.slice(0, LENGTH) as ChannelId
}

function fairCharacters(bytes: Uint8Array): string {
  const fair = [...bytes].filter((byte) => byte < FAIR_BYTES)
  return fair.map((byte) => CHARACTERS.charAt(byte % CHARACTERS.length)).join('')
}
