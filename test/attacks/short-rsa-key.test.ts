import 'reflect-metadata' // @peculiar/x509 needs it before its own import
import { createPublicKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto'
import { readCertificateRequest } from '@heliograph/core/trust/certificate'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { expect, it } from 'vitest'

const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const

async function requestFor(privateKey: KeyObject): Promise<string> {
  const take = (key: KeyObject, use: 'sign' | 'verify') =>
    webcrypto.subtle.importKey('jwk', key.export({ format: 'jwk' }), rsa, true, [use])
  const keys = {
    privateKey: await take(privateKey, 'sign'),
    publicKey: await take(createPublicKey(privateKey), 'verify'),
  }
  const options = { name: 'CN=device', keys, signingAlgorithm: rsa }
  return (await Pkcs10CertificateRequestGenerator.create(options, webcrypto)).toString('pem')
}

const judge = async (modulusLength: number) =>
  readCertificateRequest(await requestFor(generateKeyPairSync('rsa', { modulusLength }).privateKey))

it.each([2041, 2047])('an RSA key of %i bits does not pass for one of 2,048', async (bits) => {
  expect(await judge(bits)).toEqual({
    fault: 'the key must be EC P-256 or P-384, or RSA of 2048 to 4096 bits',
  })
})

it.each([2048, 2049])('an RSA key of %i bits is long enough', async (bits) => {
  expect(await judge(bits)).toHaveProperty('keyHash')
})
