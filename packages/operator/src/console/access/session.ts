import { createHash, timingSafeEqual } from 'node:crypto'

/** The one session of a console, and the key that begins it. */
export interface Access {
  /** Goes into the address that is printed. */
  readonly key: string
  /**
   * Turns the key into the session's secret, once: whoever comes later has come too late, and after too many wrong
   * keys nobody comes in any more.
   */
  enter(key: string): Entry
  /** Whether a secret is that of the session. */
  isSession(secret: string | undefined): boolean
}

export type Entry =
  | { readonly secret: string }
  | { readonly refused: 'wrong' | 'used' | 'closed'; readonly wrongKeys: number }

/** 256 bits. */
const SECRET_BYTES = 32

export function openAccess(
  random: (bytes: number) => Uint8Array,
  { mostWrongKeys }: { readonly mostWrongKeys: number },
): Access {
  const key = secretOf(random)
  const keyHash = hashOf(key)
  let wrongKeys = 0
  let sessionHash: Buffer | undefined
  return {
    key,
    enter(given) {
      const isKey = timingSafeEqual(hashOf(given), keyHash)
      if (!isKey) wrongKeys += 1
      if (wrongKeys >= mostWrongKeys) return { refused: 'closed', wrongKeys }
      if (!isKey) return { refused: 'wrong', wrongKeys }
      if (sessionHash) return { refused: 'used', wrongKeys }
      const secret = secretOf(random)
      sessionHash = hashOf(secret)
      return { secret }
    },
    isSession(secret) {
      if (secret === undefined || !sessionHash) return false
      return timingSafeEqual(hashOf(secret), sessionHash)
    },
  }
}

function secretOf(random: (bytes: number) => Uint8Array): string {
  return Buffer.from(random(SECRET_BYTES)).toString('base64url')
}

/** Of equal length whatever was given, so that comparing takes the same time. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Cookies of one name go to every port of a host, so each console has a name of its own. */
export function cookieNameOf(port: number): string {
  return `heliograph-console-${port}`
}

export function sessionCookie(name: string, secret: string): string {
  return `${name}=${secret}; HttpOnly; SameSite=Strict; Path=/`
}

/** The value of the only cookie of this name; of two, one is somebody else's, so that neither counts. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const found = (header ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(`${name}=`))
  const [only] = found
  return found.length === 1 ? only?.slice(name.length + 1) : undefined
}
