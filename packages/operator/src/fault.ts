import { MachineError } from '@heliograph/machine/failure'
import { MachineUnreachable } from '@heliograph/machine/operator/client'
import { Failure } from './failure.ts'

const noConnection = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ETIMEDOUT',
]

/** Any thrown value as a sentence with an exit code. What no rule covers is a bug in this program. */
export function failureOf(thrown: unknown): Failure | undefined {
  if (thrown instanceof Failure) return thrown
  if (thrown instanceof MachineUnreachable)
    return new Failure('unreachable', thrown.message, { cause: thrown })
  if (thrown instanceof MachineError)
    return new Failure('refused', thrown.message, { cause: thrown })
  const {
    name = '',
    code = '',
    message = '',
  } = (thrown ?? {}) as Record<string, string | undefined>
  const because = (kind: Failure['kind'], text: string) =>
    new Failure(kind, text, { cause: thrown })
  if (noConnection.includes(code) || name === 'TimeoutError')
    return because(
      'unreachable',
      `the deployment does not answer (${code || name}): check that it runs and that this machine can reach it`,
    )
  if (name === 'CredentialsProviderError' || /Could not load credentials/.test(message))
    return because('refused', 'no AWS credentials were found: sign in, or set AWS_PROFILE')
  if (/Region is missing/.test(message))
    return because('usage', 'no AWS region is set: set AWS_REGION to the region of the stacks')
  if (/ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature/.test(name))
    return because('refused', `AWS did not accept the credentials (${name}): sign in again`)
  if (/AccessDenied|NotAuthorized|Unauthorized|Forbidden/.test(name))
    return because('refused', `AWS refused: ${message}`)
  return undefined
}
