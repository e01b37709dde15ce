import { createPublicKey } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { invoke } from '@heliograph/aws/operator/functions'
import { stackOutputs } from '@heliograph/aws/operator/stack-outputs'
import type { CanaryKey, CanaryRequest, Enrolled } from '@heliograph/core/canary/enrollment'
import type { CanaryReport } from '@heliograph/core/canary/run-canary'
import { CANARY_TOPIC } from '@heliograph/protocol/canary'
import type { Fingerprint } from '@heliograph/protocol/identifiers'
import type { AwsDeployment } from '../aws-stage.ts'
import { Failure } from '../failure.ts'
import { inviteDevices } from './invite.ts'
import { certify, checkTopics, MAX_DAYS } from './issue-provider.ts'
import { revokeDevice } from './revoke-device.ts'

export interface EnrolledCanary {
  readonly deviceId: string
  readonly fingerprint: Fingerprint
  /** Milliseconds since the epoch. */
  readonly notAfter: number
  /** The device that the canary was before. */
  readonly replacedDevice?: string
  /** Certificates of earlier enrollments, which no longer let anybody in. */
  readonly revoked: number
}

/** The code is used within the same second. */
const CODE_SECONDS = 300

/**
 * Makes the canary a provider and a device. It makes both keys itself, and nobody else sees them: from here come the
 * certificate of the provider CA and an activation code. Who it was before is revoked. May be repeated after a failure.
 */
export async function enrollCanary(deployment: AwsDeployment): Promise<EnrolledCanary> {
  const ask = await canaryOf(deployment)
  const { publicKey } = (await ask({ ask: 'prepare' })) as CanaryKey
  const certified = await certify(deployment, {
    topics: checkTopics([CANARY_TOPIC]),
    publicKey: createPublicKey(publicKey).export({ type: 'spki', format: 'der' }),
    // whoever stole it could send to the canary: no reason to have somebody think of a renewal
    days: MAX_DAYS,
  })
  const { record, certificatePem: certificate } = certified
  await deployment.ports.providers.save(record)
  const [{ code: activationCode } = { code: '' }] = await inviteDevices(deployment, {
    ttlSeconds: CODE_SECONDS,
  })
  const enrolled = (await ask({ ask: 'enroll', certificate, activationCode })) as Enrolled
  const { deviceId, fingerprint, replaced } = enrolled
  if (replaced) await revokeDevice(deployment, replaced.deviceId)
  const revoked = await revokeOthers(deployment, fingerprint)
  const { notAfter } = record
  const replacedDevice = replaced && { replacedDevice: replaced.deviceId }
  return { deviceId, fingerprint, notAfter, revoked, ...replacedDevice }
}

/** Also those that an enrollment which broke off has left. */
async function revokeOthers({ ports, clock }: AwsDeployment, own: Fingerprint): Promise<number> {
  const others = (await ports.providers.list()).filter(
    ({ topics, fingerprint, revokedAt }) =>
      topics.every((topic) => topic === CANARY_TOPIC) &&
      fingerprint !== own &&
      revokedAt === undefined,
  )
  for (const { fingerprint } of others)
    await ports.providers.revoke(fingerprint, clock.now(), 'superseded')
  return others.length
}

/** One run, now. */
export async function runCanary(deployment: AwsDeployment): Promise<CanaryReport> {
  const ask = await canaryOf(deployment)
  return (await ask({})) as CanaryReport
}

/** The name of the canary's function; undefined where the stage has none. */
export async function canaryFunction({ clients, stage }: AwsDeployment) {
  const outputs = await stackOutputs(clients.cloudFormation, `Heliograph-${stage}-Operations`)
  return outputs?.CanaryFunction
}

async function canaryOf(deployment: AwsDeployment) {
  const name = await canaryFunction(deployment)
  if (name === undefined)
    throw new Failure('notFound', 'this stage has no canary: deploy it with -c canary=true')
  const { lambda } = deployment.clients
  return (event: CanaryRequest | Record<string, never>) => inTurn(() => invoke(lambda, name, event))
}

/** A run that nothing answers takes almost a minute, and only one is under way at a time. */
const TURN = { tries: 20, pauseMs: 4_000 } as const

async function inTurn(call: () => Promise<unknown>): Promise<unknown> {
  for (let left: number = TURN.tries; ; left--)
    try {
      return await call()
    } catch (fault) {
      const isBusy = fault instanceof Error && fault.name === 'TooManyRequestsException'
      if (!isBusy || left === 0) throw fault
      await wait(TURN.pauseMs)
    }
}
