import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../bin/refusal.ts'
import { stageOf, type Target } from '../../bin/stages.ts'
import { prodContext, prodTarget, resourcesOf, templatesOf, temporaryDirectory } from './app.ts'

function stage(context: Readonly<Record<string, string>>, target: Target = prodTarget) {
  return stageOf((name) => context[name], target)
}

function refusal(change: Readonly<Record<string, string>>, target?: Target): string {
  try {
    stage({ ...prodContext, ...change }, target)
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
  throw new Error('not refused')
}

describe('a stage', () => {
  test('is local without any context, for an account that does not exist', () => {
    expect(stage({}, {})).toMatchObject({
      name: 'local',
      domain: 'localhost',
      env: { account: '000000000000', region: 'us-east-1' },
      removal: 'destroy',
    })
  })

  test('keeps its data unless told otherwise', () => {
    expect(stage(prodContext)).toMatchObject({ removal: 'retain', terminationProtection: true })
    expect(stage({ ...prodContext, removal: 'destroy' })).toMatchObject({
      removal: 'destroy',
      terminationProtection: false,
    })
  })

  test('never believes a provider certificate for more than 30 seconds', () => {
    for (const each of [stage({}, {}), stage(prodContext)])
      expect(each.trustCacheSeconds).toBeLessThanOrEqual(30)
  })

  test('keeps retired token keys longer than a key is primary', () => {
    const { tokenKeyGraceDays, tokenKeyRotationDays } = stage(prodContext)
    expect(tokenKeyGraceDays).toBeGreaterThan(tokenKeyRotationDays)
  })
})

describe('a stage is refused', () => {
  test('without a provider domain', () => {
    expect(refusal({ domain: '' })).toBe(
      'stage "prod" has no provider domain: run cdk with -c domain=push.example.com -c certificateArn=arn:aws:acm:… (without a domain there is no mutual TLS, so nothing is deployed)',
    )
  })

  test.each([
    'localhost',
    'PUSH.example.com',
    'push_1.example.com',
    'https://push.example.com',
    '-a.com',
  ])('with the domain %s', (domain) =>
    expect(refusal({ domain })).toMatch(/is not a domain that providers can connect to/),
  )

  test('with half a token domain, or with one that is the other or none', () => {
    expect(refusal({ tokenDomain: '' })).toMatch(/has half a token domain: set both/)
    expect(refusal({ tokenCertificateArn: '' })).toMatch(/has half a token domain: set both/)
    expect(refusal({ tokenDomain: prodContext.domain })).toMatch(
      /^the token domain is the provider domain push\.example\.com, which asks/,
    )
    expect(refusal({ tokenDomain: 'localhost' })).toMatch(/set -c tokenDomain to a full host name/)
    expect(refusal({ tokenCertificateArn: 'abc' })).toMatch(
      /set -c tokenCertificateArn=arn:aws:acm/,
    )
    expect(refusal({ tokenDomain: 'api.example.org' })).toMatch(
      /cannot hold a record for api\.example\.org/,
    )
  })

  test('without a certificate for the domain', () => {
    expect(refusal({ certificateArn: '' })).toMatch(
      /has a provider domain but no certificate for it/,
    )
  })

  test.each([
    'abc',
    'arn:aws:iam::111111111111:server-certificate/abc',
    'arn:aws:acm:eu-west-1:1:certificate/abc',
    'arn:aws:acm:eu-west-1:111111111111:certificate/',
  ])('with the certificate %s', (certificateArn) =>
    expect(refusal({ certificateArn })).toMatch(/is not the ARN of an ACM certificate/),
  )

  test('with a certificate of another region or account', () => {
    expect(refusal({}, { region: 'us-east-1' })).toMatch(
      /^the certificate is in eu-west-1 but the stacks go to us-east-1/,
    )
    expect(refusal({}, { account: '222222222222' })).toMatch(
      /^the certificate is in account 111111111111 but the stacks go to 222222222222/,
    )
  })

  test.each(['', 'Prod', '1st', 'a-b', 'seventeenletterss'].slice(1))('with the name %s', (name) =>
    expect(refusal({ stage: name })).toMatch(/is not a stage name/),
  )

  test('with half a hosted zone, or the zone of another domain', () => {
    expect(refusal({ hostedZoneName: '' })).toMatch(/has half a hosted zone/)
    expect(refusal({ hostedZoneName: 'example.org' })).toMatch(/cannot hold a record for/)
    expect(refusal({ hostedZoneName: 'ample.com' })).toMatch(/cannot hold a record for/)
  })

  test('with an unknown removal', () => {
    expect(refusal({ removal: 'keep' })).toMatch(/cannot have removal "keep"/)
  })

  test('by one sentence and exit code 1, without a stack trace', async () => {
    const { code, stderr } = await run({ stage: 'prod' })
    expect(code).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toMatch(/^stage "prod" has no provider domain/)
  })
})

test('two stages share an account without sharing a name', () => {
  const named = (context: Readonly<Record<string, string>>) =>
    resourcesOf(Object.values(templatesOf(context, prodTarget))).flatMap(([, { Properties }]) =>
      Object.entries(Properties ?? {})
        .filter(([key]) =>
          /^(AliasName|AlarmName|FunctionName|LogGroupName|PolicyName|RuleName|Name)$/.test(key),
        )
        .map(([, value]) => value)
        .filter((value) => typeof value === 'string' && /heliograph/i.test(value)),
    )
  const prod = new Set(named(prodContext))
  const other = named({ ...prodContext, stage: 'beta', domain: 'beta.example.com' })
  expect(prod.size).toBeGreaterThan(30)
  expect(other.filter((name) => prod.has(name))).toEqual([])
})

/** Runs the app as `cdk` does. */
function run(
  context: Readonly<Record<string, string>>,
): Promise<{ code: unknown; stderr: string }> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const env = {
    PATH: process.env.PATH,
    CDK_OUTDIR: temporaryDirectory(),
    CDK_CONTEXT_JSON: JSON.stringify(context),
  }
  return new Promise((resolve) => {
    const args = ['--import', 'tsx', 'bin/app.ts']
    execFile(process.execPath, args, { cwd: root, env }, (error, _stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    )
  })
}
