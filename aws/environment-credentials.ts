import type { AwsCredentialIdentityProvider } from '@smithy/types'

/**
 * Stands in for the SDK's `@aws-sdk/credential-provider-node` in the functions' bundles: Lambda gives
 * a function its credentials in the environment and nowhere else, and the chain that also looks into
 * profiles, single sign-on and instance metadata is a quarter of every cold start.
 */
export const defaultProvider = (): AwsCredentialIdentityProvider => async () => {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = process.env
  if (!accessKeyId || !secretAccessKey)
    throw new Error('the environment holds no AWS credentials: this bundle is for Lambda functions')
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}
