/** As SigV4 wants them. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Lambda gives a function its credentials only in the environment. */
export function environmentCredentials(): Credentials {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = process.env
  if (!accessKeyId || !secretAccessKey)
    throw new Error('the environment has no AWS credentials: this bundle is for Lambda functions')
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}

/**
 * Stands in for the SDK's `@aws-sdk/credential-provider-node` in the functions' bundles: the chain
 * that also looks into profiles, single sign-on and instance metadata is a quarter of every cold start.
 */
export const defaultProvider = (): (() => Promise<Credentials>) => async () =>
  environmentCredentials()
