import { generateKeyPairSync, sign } from 'node:crypto'

/** What a connection is made with. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** What to present for a case's `auth`: which certificate, if any, and which `authorization`. */
export interface Presented {
  readonly certificate: 'any' | 'cert-single' | 'cert-multi' | undefined
  readonly authorization?: string
}

const claims = () => ({ iss: 'DEF123GHIJ', iat: Math.floor(Date.now() / 1000) })
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function jwt(header: object, payload: object, signed = true): string {
  const text = `${part(header)}.${part(payload)}`
  if (!signed) return `${text}.`
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signature = sign('sha256', Buffer.from(text), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return `${text}.${signature.toString('base64url')}`
}

const es256 = { alg: 'ES256', kid: 'ABC123DEFG' }
const malformed = () => `bearer ${part(es256)}.${part(claims())}`

const authorizations: Readonly<Record<string, () => string>> = {
  jwt: () => `bearer ${jwt(es256, claims())}`,
  'jwt:empty': () => 'bearer ',
  'jwt:malformed': malformed,
  'jwt:bad-signature': () => `bearer ${jwt(es256, claims())}`,
  'jwt:other-team': () => `bearer ${jwt(es256, { ...claims(), iss: 'OTHERTEAM0' })}`,
  'jwt:alg-none': () => `bearer ${jwt({ ...es256, alg: 'none' }, claims(), false)}`,
}

export function presented(auth = 'any'): Presented {
  if (auth === 'none') return { certificate: undefined }
  if (auth === 'cert-single+jwt:malformed')
    return { certificate: 'cert-single', authorization: malformed() }
  if (auth === 'any' || auth === 'cert-single' || auth === 'cert-multi')
    return { certificate: auth }
  const make = authorizations[auth]
  if (!make) throw new Error(`nobody knows the credential ${auth}`)
  return { certificate: undefined, authorization: make() }
}
