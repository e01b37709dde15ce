import type {
  DecryptCommandInput,
  DecryptCommandOutput,
  EncryptCommandInput,
  EncryptCommandOutput,
  GenerateDataKeyWithoutPlaintextCommandInput,
  GenerateDataKeyWithoutPlaintextCommandOutput,
  GetPublicKeyCommandInput,
  GetPublicKeyCommandOutput,
  SignCommandInput,
  SignCommandOutput,
} from '@aws-sdk/client-kms'
import { LeanClient } from './client.ts'
import { blobCodec, jsonCommand } from './json-command.ts'
import type { GivenSettings } from './settings.ts'

/** Stands in for `@aws-sdk/client-kms` in the functions' bundles. */
export class KMSClient extends LeanClient {
  constructor(settings?: GivenSettings) {
    super({ signing: 'kms', variable: 'KMS', host: 'kms' }, {}, settings)
  }
}

export const DecryptCommand = /* @__PURE__ */ jsonCommand<
  DecryptCommandInput,
  DecryptCommandOutput
>('TrentService.Decrypt', '1.1', blobCodec(['CiphertextBlob'], ['Plaintext']))

export const EncryptCommand = /* @__PURE__ */ jsonCommand<
  EncryptCommandInput,
  EncryptCommandOutput
>('TrentService.Encrypt', '1.1', blobCodec(['Plaintext'], ['CiphertextBlob']))

export const GenerateDataKeyWithoutPlaintextCommand = /* @__PURE__ */ jsonCommand<
  GenerateDataKeyWithoutPlaintextCommandInput,
  GenerateDataKeyWithoutPlaintextCommandOutput
>('TrentService.GenerateDataKeyWithoutPlaintext', '1.1', blobCodec([], ['CiphertextBlob']))

export const SignCommand = /* @__PURE__ */ jsonCommand<SignCommandInput, SignCommandOutput>(
  'TrentService.Sign',
  '1.1',
  blobCodec(['Message'], ['Signature']),
)

export const GetPublicKeyCommand = /* @__PURE__ */ jsonCommand<
  GetPublicKeyCommandInput,
  GetPublicKeyCommandOutput
>('TrentService.GetPublicKey', '1.1', blobCodec([], ['PublicKey']))
