import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import type { Fingerprint } from '@heliograph/protocol/identifiers'
import { fingerprintOf } from '../trust/provider-trust.ts'

/** The provider's half of an identity, PEM. */
export interface CanaryCredentials {
  readonly privateKey: string
  readonly certificate: string
}

/** Who the canary is: a provider with a certificate, and a device. */
export interface CanaryIdentity extends CanaryCredentials {
  readonly deviceId: string
  /** What the device keeps, in a form that is its own. */
  readonly device: string
}

/** Keeps them so that nobody can read them without the right to the canary's key. */
export interface CanaryIdentities {
  find(): Promise<CanaryIdentity | undefined>
  keep(identity: CanaryIdentity): Promise<void>
  /** The private key, PEM, of an enrollment that is under way. */
  findNext(): Promise<string | undefined>
  keepNext(privateKey: string): Promise<void>
}

export interface EnrollmentPorts {
  readonly identities: CanaryIdentities
  /** A new RSA key of 2,048 bits, PEM. */
  makeKey(): Promise<string>
  /** Turns an activation code into a device. */
  activate(code: string): Promise<Pick<CanaryIdentity, 'deviceId' | 'device'>>
}

/** What an operator asks of the canary; anything else is a run. */
export type CanaryRequest =
  | { readonly ask: 'prepare' }
  | { readonly ask: 'enroll'; readonly certificate: string; readonly activationCode: string }

/** To `prepare`: what the provider CA is to certify, SubjectPublicKeyInfo as PEM. */
export interface CanaryKey {
  readonly publicKey: string
}

export interface Enrolled {
  readonly deviceId: string
  readonly fingerprint: Fingerprint
  /** Who the canary was before: of no use to anybody any more. */
  readonly replaced?: { readonly deviceId: string; readonly fingerprint: Fingerprint }
}

export function parseCanaryRequest(event: unknown): CanaryRequest | undefined {
  const { ask, certificate, activationCode } = (event ?? {}) as Record<string, unknown>
  if (ask === 'prepare') return { ask }
  if (ask !== 'enroll') return undefined
  if (typeof certificate !== 'string' || typeof activationCode !== 'string')
    throw new Error('an enrollment needs a certificate and an activation code')
  return { ask, certificate, activationCode }
}

/** Makes the key that the canary is to have as a provider. Only its public half leaves. */
export async function prepareCanary({ identities, makeKey }: EnrollmentPorts): Promise<CanaryKey> {
  const privateKey = await makeKey()
  await identities.keepNext(privateKey)
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })
  return { publicKey: publicKey.toString() }
}

/**
 * Makes the canary a provider, with the certificate for the key that it made, and a new device. It stays who it was
 * until both are there.
 *
 * @throws where the certificate is for another key, or no key was made.
 */
export async function enrollCanary(
  { certificate, activationCode }: Extract<CanaryRequest, { ask: 'enroll' }>,
  { identities, activate }: EnrollmentPorts,
): Promise<Enrolled> {
  const privateKey = await identities.findNext()
  if (privateKey === undefined) throw new Error('the canary has made no key: prepare it first')
  const x509 = new X509Certificate(certificate)
  if (!x509.checkPrivateKey(createPrivateKey(privateKey)))
    throw new Error('the certificate is not for the key that the canary made last')
  const before = await identities.find()
  const device = await activate(activationCode)
  await identities.keep({ privateKey, certificate, ...device })
  const replaced = before && {
    deviceId: before.deviceId,
    fingerprint: fingerprintOf(new X509Certificate(before.certificate)),
  }
  return {
    deviceId: device.deviceId,
    fingerprint: fingerprintOf(x509),
    ...(replaced && { replaced }),
  }
}
