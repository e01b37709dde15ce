import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import {
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GetPublicKeyCommand,
  KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
  type MessageType,
  SignCommand,
  type SigningAlgorithmSpec,
  VerifyCommand,
} from '@aws-sdk/client-kms'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Endpoint } from '../src/endpoint.ts'
import { type Kms, startKms } from '../src/kms/kms.ts'
import { signDigest, signMessage, verifyDigest, verifyMessage } from '../src/kms/signature.ts'
import { algorithmsOf, asymmetricSpecs, generatePrivateKey } from '../src/kms/specs.ts'
import {
  clientOf,
  endpointFor,
  identity,
  logLines,
  operator,
  role,
  temporaryFolder,
} from './service-harness.ts'

let kms: Kms
let endpoint: Endpoint
let client: KMSClient
let folder: Awaited<ReturnType<typeof temporaryFolder>>
const { log } = logLines()
const asked: [string, string, unknown][] = []
const signer = {
  name: 'role/signer',
  may: (action: string, resource: string, context?: unknown) => {
    asked.push([action, resource, context])
    return action === 'kms:Sign'
  },
}

const stateFile = () => `${folder.path}/keys.json`
async function start(): Promise<void> {
  kms = await startKms({ identity, stateFile: stateFile(), log })
  endpoint = await endpointFor([kms.service], { operator, signer, nobody: role() })
  client = new KMSClient(clientOf(endpoint))
}
async function stop(): Promise<void> {
  client.destroy()
  await endpoint.close()
  await kms.close()
}

beforeEach(async () => {
  folder = await temporaryFolder()
  await start()
})
afterEach(async () => {
  await stop()
  await folder.remove()
})

const message = Buffer.from('a certificate to be signed')
const sha256 = createHash('sha256').update(message).digest()

describe('signing', () => {
  test.each([
    ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256'],
    ['RSA_2048', 'RSASSA_PSS_SHA_256'],
    ['ECC_NIST_P256', 'ECDSA_SHA_256'],
  ] as const)('%s %s, of a message and of a digest', async (KeySpec, SigningAlgorithm) => {
    const { keyId } = await kms.createKey('ca', { KeySpec, KeyUsage: 'SIGN_VERIFY' })
    for (const [MessageType, Message] of [
      ['RAW', message],
      ['DIGEST', sha256],
    ] as const) {
      const input = { KeyId: keyId, SigningAlgorithm, MessageType, Message }
      const { Signature } = await client.send(new SignCommand(input))
      const { SignatureValid } = await client.send(new VerifyCommand({ ...input, Signature }))
      expect(SignatureValid).toBe(true)
      const other = { MessageType: 'RAW' as MessageType, Message: Buffer.from('another') }
      await expect(
        client.send(new VerifyCommand({ ...input, ...other, Signature })),
      ).rejects.toMatchObject({ name: 'KMSInvalidSignatureException' })
    }
  })

  test('a digest and its message give signatures that OpenSSL takes for the same', async () => {
    for (const spec of Object.keys(asymmetricSpecs) as (keyof typeof asymmetricSpecs)[]) {
      if (spec === 'RSA_4096') continue
      const key = await generatePrivateKey(spec)
      for (const algorithm of Object.values(algorithmsOf(spec))) {
        const digest = createHash(algorithm.hash).update(message).digest()
        const ofDigest = signDigest(key, algorithm, digest)
        expect(verifyMessage(key, algorithm, message, ofDigest)).toBe(true)
        expect(verifyDigest(key, algorithm, digest, signMessage(key, algorithm, message))).toBe(
          true,
        )
        const wrong = Buffer.from(digest)
        wrong[0] = (wrong[0] ?? 0) ^ 1
        expect(verifyDigest(key, algorithm, wrong, ofDigest)).toBe(false)
        for (const at of [0, 1, 2, 3, ofDigest.length - 1]) {
          const broken = Buffer.from(ofDigest)
          broken[at] = (broken[at] ?? 0) ^ 1
          expect(verifyDigest(key, algorithm, digest, broken)).toBe(false)
        }
      }
    }
  })

  test('ECDSA of many digests is always well-formed DER', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const algorithm = { scheme: 'ecdsa', hash: 'sha256' } as const
    for (let count = 0; count < 200; count += 1) {
      const text = Buffer.from(`message ${count}`)
      const digest = createHash('sha256').update(text).digest()
      const signature = signDigest(privateKey, algorithm, digest)
      expect(verify('sha256', text, publicKey, signature)).toBe(true)
      // OpenSSL's s lies in the upper half of the order every other time
      const bySsl = signMessage(privateKey, algorithm, text)
      expect(verifyDigest(privateKey, algorithm, digest, bySsl)).toBe(true)
    }
    const [one, two] = [1, 2].map(() => signDigest(privateKey, algorithm, sha256))
    expect(one).not.toEqual(two)
    expect(verifyDigest(privateKey, algorithm, sha256, Buffer.alloc(0))).toBe(false)
    expect(verifyDigest(privateKey, algorithm, sha256, Buffer.from('3003020100', 'hex'))).toBe(
      false,
    )
  })

  test('the public key verifies what the key signed', async () => {
    const { arn } = await kms.createKey('ca', { KeySpec: 'ECC_NIST_P256' })
    const SigningAlgorithm = 'ECDSA_SHA_256'
    const { Signature } = await client.send(
      new SignCommand({ KeyId: arn, SigningAlgorithm, Message: message }),
    )
    const answer = await client.send(new GetPublicKeyCommand({ KeyId: arn }))
    expect(answer).toMatchObject({
      KeyId: arn,
      KeySpec: 'ECC_NIST_P256',
      KeyUsage: 'SIGN_VERIFY',
      SigningAlgorithms: ['ECDSA_SHA_256'],
    })
    const key = createPublicKey({
      key: Buffer.from(answer.PublicKey ?? []),
      format: 'der',
      type: 'spki',
    })
    expect(verify('sha256', message, key, Signature ?? new Uint8Array())).toBe(true)
  })

  test.each<[string, string, SigningAlgorithmSpec, MessageType, Buffer]>([
    ['another algorithm', 'InvalidKeyUsageException', 'ECDSA_SHA_256', 'RAW', message],
    ['a digest of another length', 'ValidationException', 'RSASSA_PSS_SHA_256', 'DIGEST', message],
    [
      'a message over 4096 bytes',
      'ValidationException',
      'RSASSA_PSS_SHA_256',
      'RAW',
      Buffer.alloc(4097),
    ],
  ])('%s is refused', async (_what, name, SigningAlgorithm, MessageType, Message) => {
    const { keyId } = await kms.createKey('ca', { KeySpec: 'RSA_2048' })
    const sign = client.send(
      new SignCommand({ KeyId: keyId, SigningAlgorithm, MessageType, Message }),
    )
    await expect(sign).rejects.toMatchObject({ name })
  })
})

describe('encryption', () => {
  let KeyId: string
  beforeEach(async () => {
    KeyId = (await kms.createKey('tokens', {})).arn
  })
  const Plaintext = Buffer.from('token key')
  const EncryptionContext = { purpose: 'token', stage: 'dev' }

  test('what was encrypted comes back, with the context in any order', async () => {
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({ KeyId, Plaintext, EncryptionContext }),
    )
    const context = { stage: 'dev', purpose: 'token' }
    const opened = await client.send(
      new DecryptCommand({ CiphertextBlob, EncryptionContext: context }),
    )
    expect(opened.KeyId).toBe(KeyId)
    expect(Buffer.from(opened.Plaintext ?? [])).toEqual(Plaintext)
  })

  test('another context, a changed byte and something else do not open', async () => {
    const { CiphertextBlob = new Uint8Array() } = await client.send(
      new EncryptCommand({ KeyId, Plaintext, EncryptionContext }),
    )
    const open = (blob: Uint8Array, context?: Record<string, string>) =>
      client.send(
        new DecryptCommand({
          CiphertextBlob: blob,
          ...(context === undefined ? {} : { EncryptionContext: context }),
        }),
      )
    const refused = { name: 'InvalidCiphertextException' }
    await expect(open(CiphertextBlob)).rejects.toMatchObject(refused)
    await expect(open(CiphertextBlob, { purpose: 'other' })).rejects.toMatchObject(refused)
    await expect(open(Buffer.from('what is this'))).rejects.toMatchObject(refused)
    for (const at of [0, 1, 20, 30, CiphertextBlob.length - 1]) {
      const broken = Buffer.from(CiphertextBlob)
      broken[at] = (broken[at] ?? 0) ^ 1
      await expect(open(broken, EncryptionContext)).rejects.toMatchObject(refused)
    }
  })

  test('a key that did not make the ciphertext', async () => {
    const other = await kms.createKey('other', {})
    const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId, Plaintext }))
    const open = client.send(new DecryptCommand({ CiphertextBlob, KeyId: other.keyId }))
    await expect(open).rejects.toMatchObject({ name: 'IncorrectKeyException' })
  })

  test('data keys by spec and by length, with and without plaintext', async () => {
    const length = async (size: object) => {
      const answer = await client.send(new GenerateDataKeyCommand({ KeyId, ...size }))
      const { CiphertextBlob } = answer
      const opened = await client.send(new DecryptCommand({ CiphertextBlob }))
      expect(opened.Plaintext).toEqual(answer.Plaintext)
      return answer.Plaintext?.length
    }
    expect(await length({ KeySpec: 'AES_256' })).toBe(32)
    expect(await length({ KeySpec: 'AES_128' })).toBe(16)
    expect(await length({ NumberOfBytes: 64 })).toBe(64)
    const wrapped = await client.send(
      new GenerateDataKeyWithoutPlaintextCommand({ KeyId, NumberOfBytes: 64, EncryptionContext }),
    )
    expect(wrapped).not.toHaveProperty('Plaintext')
    const { CiphertextBlob } = wrapped
    const opened = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    expect(opened.Plaintext).toHaveLength(64)
    for (const size of [{}, { NumberOfBytes: 1025 }, { NumberOfBytes: 8, KeySpec: 'AES_256' }])
      await expect(length(size)).rejects.toMatchObject({ name: 'ValidationException' })
  })

  test('a symmetric key neither signs nor has a public key', async () => {
    const sign = new SignCommand({ KeyId, Message: message, SigningAlgorithm: 'ECDSA_SHA_256' })
    await expect(client.send(sign)).rejects.toMatchObject({ name: 'InvalidKeyUsageException' })
    await expect(client.send(new GetPublicKeyCommand({ KeyId }))).rejects.toMatchObject({
      name: 'UnsupportedOperationException',
    })
  })

  test('a signing key does not encrypt', async () => {
    const { arn } = await kms.createKey('ca', { KeySpec: 'ECC_NIST_P256' })
    const encrypt = client.send(new EncryptCommand({ KeyId: arn, Plaintext }))
    await expect(encrypt).rejects.toMatchObject({ name: 'InvalidKeyUsageException' })
  })

  test('a disabled key does nothing until it is enabled', async () => {
    await client.send(new DisableKeyCommand({ KeyId }))
    const encrypt = () => client.send(new EncryptCommand({ KeyId, Plaintext }))
    await expect(encrypt()).rejects.toMatchObject({ name: 'DisabledException' })
    await client.send(new EnableKeyCommand({ KeyId }))
    expect((await encrypt()).KeyId).toBe(KeyId)
  })
})

describe('keys and aliases', () => {
  test('a key is found by id, ARN, alias and alias ARN', async () => {
    const { keyId, arn } = await kms.createKey('ca', {
      KeySpec: 'ECC_NIST_P256',
      Description: 'CA',
    })
    const alias = await kms.createAlias('alias/heliograph/ca', arn)
    for (const KeyId of [keyId, arn, 'alias/heliograph/ca', alias.arn]) {
      const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }))
      expect(KeyMetadata).toMatchObject({
        KeyId: keyId,
        Arn: arn,
        AWSAccountId: '000000000000',
        Description: 'CA',
        Enabled: true,
        KeySpec: 'ECC_NIST_P256',
        KeyState: 'Enabled',
        KeyUsage: 'SIGN_VERIFY',
        CreationDate: expect.any(Date),
      })
    }
    const { Aliases } = await client.send(new ListAliasesCommand({ KeyId: keyId }))
    expect(Aliases).toEqual([
      { AliasName: 'alias/heliograph/ca', AliasArn: alias.arn, TargetKeyId: keyId },
    ])
    const { Keys } = await client.send(new ListKeysCommand({}))
    expect(Keys).toEqual([{ KeyId: keyId, KeyArn: arn }])
  })

  test('a key or alias that is not there', async () => {
    const describeKey = (KeyId: string) => client.send(new DescribeKeyCommand({ KeyId }))
    await expect(describeKey('0e0a1b2c')).rejects.toMatchObject({ name: 'NotFoundException' })
    await expect(describeKey('alias/none')).rejects.toThrow(
      'Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found.',
    )
    await expect(kms.createAlias('none', 'x')).rejects.toThrow('must begin with alias/')
  })

  test('a template with a spec or usage that is not there', async () => {
    await expect(kms.createKey('a', { KeySpec: 'HMAC_256' })).rejects.toThrow('HMAC_256')
    const usage = { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }
    await expect(kms.createKey('a', usage)).rejects.toThrow('can be used for SIGN_VERIFY only')
  })

  test('IAM is asked with the key ARN and what conditions may need', async () => {
    const { keyId, arn } = await kms.createKey('ca', { KeySpec: 'ECC_NIST_P256' })
    await kms.createAlias('alias/ca', keyId)
    const limited = new KMSClient(clientOf(endpoint, 'signer'))
    asked.length = 0
    const SigningAlgorithm = 'ECDSA_SHA_256'
    await limited.send(
      new SignCommand({
        KeyId: 'alias/ca',
        SigningAlgorithm,
        MessageType: 'RAW',
        Message: message,
      }),
    )
    expect(asked).toEqual([
      [
        'kms:Sign',
        arn,
        {
          'kms:SigningAlgorithm': SigningAlgorithm,
          'kms:MessageType': 'RAW',
          'kms:RequestAlias': 'alias/ca',
        },
      ],
    ])
    const refused = limited.send(new GetPublicKeyCommand({ KeyId: arn }))
    await expect(refused).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`kms:GetPublicKey on resource: ${arn}`),
    })
    const symmetric = await kms.createKey('tokens', {})
    const EncryptionContext = { purpose: 'token' }
    const data = { KeyId: symmetric.keyId, KeySpec: 'AES_256' as const, EncryptionContext }
    await limited.send(new GenerateDataKeyCommand(data)).catch(() => undefined)
    expect(asked.at(-1)?.[2]).toEqual({ 'kms:EncryptionContext:purpose': 'token' })
  })
})

test('a key policy that does not leave an action to IAM refuses it to all', async () => {
  const Principal = { AWS: 'arn:aws:iam::000000000000:root' }
  const statement = { Effect: 'Allow' as const, Action: 'kms:Describe*', Resource: '*', Principal }
  const { keyId } = await kms.createKey('tokens', { KeyPolicy: { Statement: [statement] } })
  const described = await client.send(new DescribeKeyCommand({ KeyId: keyId }))
  expect(described.KeyMetadata?.KeyId).toBe(keyId)
  const encrypt = client.send(new EncryptCommand({ KeyId: keyId, Plaintext: message }))
  await expect(encrypt).rejects.toMatchObject({ name: 'AccessDeniedException' })
})

describe('over a restart', () => {
  test('the same id finds the same key, alias and ciphertexts', async () => {
    const first = await kms.createKey('stack/Key', {})
    await kms.createKey('stack/Ca', { KeySpec: 'ECC_NIST_P256' })
    await kms.createAlias('alias/tokens', first.keyId)
    const { CiphertextBlob } = await client.send(
      new EncryptCommand({ KeyId: first.keyId, Plaintext: message }),
    )
    await stop()
    expect((await stat(stateFile())).mode & 0o777).toBe(0o600)
    await start()
    expect(await kms.createKey('stack/Key', {})).toEqual(first)
    const opened = await client.send(new DecryptCommand({ CiphertextBlob, KeyId: 'alias/tokens' }))
    expect(Buffer.from(opened.Plaintext ?? [])).toEqual(message)
    await expect(kms.createKey('stack/Key', { KeySpec: 'RSA_2048' })).rejects.toThrow(
      'The key stack/Key on disk is SYMMETRIC_DEFAULT and the template wants RSA_2048',
    )
  })

  test('a deleted key is gone, with its aliases', async () => {
    const { keyId } = await kms.createKey('a', {})
    await kms.createAlias('alias/a', keyId)
    await kms.deleteKey('a')
    await stop()
    await start()
    const { Aliases } = await client.send(new ListAliasesCommand({}))
    expect(Aliases).toEqual([])
    expect((await kms.createKey('a', {})).keyId).not.toBe(keyId)
  })

  test('a damaged file is one clear sentence, and it is not written over', async () => {
    await kms.createKey('a', {})
    const whole = await readFile(stateFile(), 'utf8')
    for (const text of [whole.slice(0, 40), '{}', whole.replace('SYMMETRIC_DEFAULT', 'X')]) {
      await writeFile(stateFile(), text)
      const again = startKms({ identity, stateFile: stateFile(), log })
      await expect(again).rejects.toThrow(`The state file ${stateFile()} is damaged`)
      expect(await readFile(stateFile(), 'utf8')).toBe(text)
    }
    await writeFile(stateFile(), whole)
  })
})
