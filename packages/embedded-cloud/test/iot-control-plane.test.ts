import { X509Certificate } from 'node:crypto'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DeletePolicyCommand,
  DeleteThingCommand,
  DescribeCertificateCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  ListAttachedPoliciesCommand,
  ListCertificatesCommand,
  ListPrincipalPoliciesCommand,
  ListPrincipalThingsCommand,
  ListTargetsForPolicyCommand,
  ListThingPrincipalsCommand,
  ListThingsCommand,
  RegisterCertificateWithoutCACommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { deletePatiently } from '@heliograph/aws/patience'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Registry } from '../src/iot/registry.ts'
import {
  ARN,
  type Device,
  devicePolicy,
  makeDevice,
  startWorld,
  type World,
} from './iot-support.ts'
import { signedFetch } from './service-harness.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

const refused = (name: string, status: number) =>
  expect.objectContaining({
    name,
    $metadata: expect.objectContaining({ httpStatusCode: status }),
  })

async function registered(device: Device, status: 'ACTIVE' | 'INACTIVE' = 'ACTIVE') {
  const answer = await world.control.send(
    new RegisterCertificateWithoutCACommand({ certificatePem: device.cert, status }),
  )
  return { certificateId: answer.certificateId ?? '', principal: answer.certificateArn ?? '' }
}

const thing = (thingName: string, attributes?: Record<string, string>) =>
  world.control.send(
    new CreateThingCommand({
      thingName,
      ...(attributes === undefined ? {} : { attributePayload: { attributes } }),
    }),
  )

describe('certificates', () => {
  it('are registered under their SHA-256 fingerprint and described', async () => {
    const device = await makeDevice('registered')
    const { certificateId, principal } = await registered(device)
    const x509 = new X509Certificate(device.cert)
    expect(certificateId).toBe(x509.fingerprint256.replaceAll(':', '').toLowerCase())
    expect(principal).toBe(`${ARN}:cert/${certificateId}`)
    const { certificateDescription } = await world.control.send(
      new DescribeCertificateCommand({ certificateId }),
    )
    expect(certificateDescription).toMatchObject({
      certificateArn: principal,
      certificateId,
      status: 'ACTIVE',
      certificatePem: device.cert,
      certificateMode: 'SNI_ONLY',
      validity: { notAfter: new Date(x509.validTo), notBefore: new Date(x509.validFrom) },
    })
    expect(Math.abs(Number(certificateDescription?.creationDate) - Date.now())).toBeLessThan(5000)
    const { certificates } = await world.control.send(new ListCertificatesCommand({}))
    expect(certificates?.some((one) => one.certificateId === certificateId)).toBe(true)
  })

  it('are registered once', async () => {
    const device = await makeDevice('once')
    const { certificateId, principal } = await registered(device)
    const again = expect.objectContaining({ resourceId: certificateId, resourceArn: principal })
    await expect(registered(device)).rejects.toEqual(refused('ResourceAlreadyExistsException', 409))
    await expect(registered(device)).rejects.toEqual(again)
  })

  it('have to be certificates', async () => {
    await expect(registered({ name: 'x', cert: 'nonsense', key: '' })).rejects.toEqual(
      refused('CertificateValidationException', 400),
    )
  })

  it('leave REVOKED no more', async () => {
    const { certificateId } = await registered(await makeDevice('burnt'))
    const update = (newStatus: 'ACTIVE' | 'REVOKED') =>
      world.control.send(new UpdateCertificateCommand({ certificateId, newStatus }))
    await update('REVOKED')
    await update('REVOKED')
    await expect(update('ACTIVE')).rejects.toEqual(refused('CertificateStateException', 406))
  })

  it('are deleted only when inactive and attached to nothing', async () => {
    const { certificateId, principal } = await registered(await makeDevice('leaving'))
    await thing('leaving')
    await world.control.send(new AttachThingPrincipalCommand({ thingName: 'leaving', principal }))
    await world.control.send(new AttachPolicyCommand({ policyName: 'device', target: principal }))
    const remove = (forceDelete?: boolean) =>
      world.control.send(
        new DeleteCertificateCommand({
          certificateId,
          ...(forceDelete === undefined ? {} : { forceDelete }),
        }),
      )
    await expect(remove(true)).rejects.toEqual(refused('CertificateStateException', 406))
    await world.control.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    await expect(remove(true)).rejects.toEqual(refused('DeleteConflictException', 409))
    await world.control.send(new DetachThingPrincipalCommand({ thingName: 'leaving', principal }))
    await expect(remove()).rejects.toEqual(refused('DeleteConflictException', 409))
    await world.control.send(new DetachPolicyCommand({ policyName: 'device', target: principal }))
    await remove()
    await expect(
      world.control.send(new DescribeCertificateCommand({ certificateId })),
    ).rejects.toEqual(refused('ResourceNotFoundException', 404))
  })
})

describe('things', () => {
  it('are created, described, created again, listed and deleted', async () => {
    const first = await thing('kitchen', { room: 'kitchen' })
    expect(first).toMatchObject({ thingName: 'kitchen', thingArn: `${ARN}:thing/kitchen` })
    expect((await thing('kitchen', { room: 'kitchen' })).thingId).toBe(first.thingId)
    await expect(thing('kitchen')).rejects.toEqual(refused('ResourceAlreadyExistsException', 409))
    const described = await world.control.send(new DescribeThingCommand({ thingName: 'kitchen' }))
    expect(described).toMatchObject({
      thingId: first.thingId,
      defaultClientId: 'kitchen',
      attributes: { room: 'kitchen' },
      version: 1,
    })
    const found = await world.control.send(
      new ListThingsCommand({ attributeName: 'room', attributeValue: 'kitchen' }),
    )
    expect(found.things?.map((one) => one.thingName)).toEqual(['kitchen'])
    await world.control.send(new DeleteThingCommand({ thingName: 'kitchen' }))
    await world.control.send(new DeleteThingCommand({ thingName: 'kitchen' }))
    await expect(
      world.control.send(new DescribeThingCommand({ thingName: 'kitchen' })),
    ).rejects.toEqual(refused('ResourceNotFoundException', 404))
  })

  it('are listed page by page', async () => {
    for (const n of [1, 2, 3]) await thing(`paged-${n}`, { list: 'paged' })
    const names: (string | undefined)[] = []
    let nextToken: string | undefined
    do {
      const page = await world.control.send(
        new ListThingsCommand({
          attributeName: 'list',
          attributeValue: 'paged',
          maxResults: 2,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      )
      names.push(...(page.things ?? []).map((one) => one.thingName))
      nextToken = page.nextToken
    } while (nextToken !== undefined)
    expect(names).toEqual(['paged-1', 'paged-2', 'paged-3'])
  })

  it('have names as AWS demands', async () => {
    await expect(thing('a b')).rejects.toEqual(refused('InvalidRequestException', 400))
    await expect(thing('x'.repeat(129))).rejects.toEqual(refused('InvalidRequestException', 400))
  })
})

describe('attachments', () => {
  it('tie a certificate to one thing exclusively', async () => {
    const { principal } = await registered(await makeDevice('exclusive'))
    await thing('one')
    await thing('two')
    const attach = (thingName: string, thingPrincipalType?: 'EXCLUSIVE_THING') =>
      world.control.send(
        new AttachThingPrincipalCommand({
          thingName,
          principal,
          ...(thingPrincipalType === undefined ? {} : { thingPrincipalType }),
        }),
      )
    await attach('one', 'EXCLUSIVE_THING')
    await attach('one', 'EXCLUSIVE_THING')
    await expect(attach('two')).rejects.toEqual(refused('InvalidRequestException', 400))
    await expect(attach('two', 'EXCLUSIVE_THING')).rejects.toEqual(
      refused('InvalidRequestException', 400),
    )
    const things = await world.control.send(new ListPrincipalThingsCommand({ principal }))
    expect(things.things).toEqual(['one'])
    const principals = await world.control.send(
      new ListThingPrincipalsCommand({ thingName: 'one' }),
    )
    expect(principals.principals).toEqual([principal])
    await expect(world.control.send(new DeleteThingCommand({ thingName: 'one' }))).rejects.toEqual(
      refused('InvalidRequestException', 400),
    )
    await world.control.send(new DetachThingPrincipalCommand({ thingName: 'one', principal }))
    await attach('two')
    await attach('one')
    await expect(attach('one', 'EXCLUSIVE_THING')).rejects.toEqual(
      refused('InvalidRequestException', 400),
    )
  })

  it('need things, certificates and policies that exist', async () => {
    const { principal } = await registered(await makeDevice('lonely'))
    await thing('here')
    const nothing = `${ARN}:cert/${'0'.repeat(64)}`
    const attempts = [
      new AttachThingPrincipalCommand({ thingName: 'nowhere', principal }),
      new AttachThingPrincipalCommand({ thingName: 'here', principal: nothing }),
      new DetachThingPrincipalCommand({ thingName: 'here', principal }),
    ]
    for (const command of attempts) {
      await expect(world.control.send(command)).rejects.toEqual(
        refused('ResourceNotFoundException', 404),
      )
    }
    await expect(
      world.control.send(new AttachPolicyCommand({ policyName: 'none', target: principal })),
    ).rejects.toEqual(refused('ResourceNotFoundException', 404))
    await expect(
      world.control.send(new AttachPolicyCommand({ policyName: 'device', target: 'thinggroup' })),
    ).rejects.toEqual(refused('InvalidRequestException', 400))
  })

  it('list the policies of a certificate, attached twice or not', async () => {
    const { principal } = await registered(await makeDevice('policied'))
    const command = new AttachPolicyCommand({ policyName: 'device', target: principal })
    await world.control.send(command)
    await world.control.send(command)
    const expected = [{ policyName: 'device', policyArn: `${ARN}:policy/device` }]
    const attached = await world.control.send(
      new ListAttachedPoliciesCommand({ target: principal }),
    )
    expect(attached.policies).toEqual(expected)
    const principals = await world.control.send(new ListPrincipalPoliciesCommand({ principal }))
    expect(principals.policies).toEqual(expected)
    const detach = new DetachPolicyCommand({ policyName: 'device', target: principal })
    await world.control.send(detach)
    await world.control.send(detach)
    const none = await world.control.send(new ListAttachedPoliciesCommand({ target: principal }))
    expect(none.policies).toEqual([])
  })

  it('are at most ten policies', async () => {
    const { principal } = await registered(await makeDevice('laden'))
    for (let n = 0; n <= 10; n++) {
      world.iot.putPolicy(`p${n}`, {
        Statement: { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' },
      })
      const attaching = world.control.send(
        new AttachPolicyCommand({ policyName: `p${n}`, target: principal }),
      )
      if (n < 10) await attaching
      else await expect(attaching).rejects.toEqual(refused('LimitExceededException', 410))
    }
  })
})

describe('permissions of the caller', () => {
  it('DescribeEndpoint tells where the broker is, to those who may ask', async () => {
    const command = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })
    const { endpointAddress } = await world.control.send(command)
    expect(endpointAddress).toBe(`localhost:${world.iot.port}`)
    const stranger = world.controlClientOf([])
    await expect(stranger.send(command)).rejects.toEqual(refused('AccessDeniedException', 403))
    await expect(stranger.send(command)).rejects.toThrow(/iot:DescribeEndpoint on resource: \*/)
  })

  it('are asked for the resource that AWS asks for', async () => {
    const { certificateId, principal } = await registered(await makeDevice('asked'))
    await thing('asked')
    const client = world.controlClientOf([
      {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: 'iot:CreateThing', Resource: `${ARN}:thing/asked` },
          {
            Effect: 'Allow',
            Action: ['iot:AttachPolicy', 'iot:AttachThingPrincipal', 'iot:UpdateCertificate'],
            Resource: principal,
          },
        ],
      },
    ])
    await client.send(new CreateThingCommand({ thingName: 'asked' }))
    await client.send(new AttachThingPrincipalCommand({ thingName: 'asked', principal }))
    await client.send(new AttachPolicyCommand({ policyName: 'device', target: principal }))
    await client.send(new UpdateCertificateCommand({ certificateId, newStatus: 'REVOKED' }))
    const denied = refused('AccessDeniedException', 403)
    await expect(client.send(new CreateThingCommand({ thingName: 'more' }))).rejects.toEqual(denied)
    await expect(
      client.send(
        new UpdateCertificateCommand({ certificateId: 'f'.repeat(64), newStatus: 'ACTIVE' }),
      ),
    ).rejects.toEqual(denied)
  })

  it('an operation that is not emulated is named', async () => {
    const endpoint = { url: world.endpoint }
    const answer = await signedFetch(endpoint, 'iot', { path: '/jobs' }, { secret: 'secret' })
    expect(answer.status).toBe(404)
    expect(await answer.text()).toMatch(/GET \/jobs/)
  })
})

describe('policies', () => {
  it('are refused when AWS or this evaluator would not take them', () => {
    const statement = { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' } as const
    const Resource = 'x'.repeat(2100)
    expect(() => world.iot.putPolicy('long', { Statement: { ...statement, Resource } })).toThrow(
      /2048/,
    )
    const Condition = { DateGreaterThan: { 'aws:CurrentTime': '2026' } }
    expect(() => world.iot.putPolicy('odd', { Statement: { ...statement, Condition } })).toThrow(
      /DateGreaterThan/,
    )
  })
})

describe('the state file', () => {
  it('survives a write that a crash cut short, and nothing else', () => {
    const dir = mkdtempSync(join(tmpdir(), 'registry-'))
    const file = join(dir, 'iot.jsonl')
    const first = new Registry(file)
    first.saveThing({
      name: 'a',
      id: '1',
      attributes: {},
      version: 1,
      certificates: { c: 'EXCLUSIVE_THING' },
    })
    first.close()
    appendFileSync(file, '{"thing":{"na')
    const second = new Registry(file)
    expect([...second.things()].map(({ name }) => name)).toEqual(['a'])
    expect(second.thingsOf('c').length).toBe(1)
    second.deleteThing('a')
    expect(second.thingsOf('c')).toEqual([])
    second.close()
    const third = new Registry(file)
    expect([...third.things()]).toEqual([])
    expect(readFileSync(file, 'utf8')).toBe('')
    third.close()
    for (const damage of ['{"thing":\n', '{"what":1}\n', 'null\n']) {
      writeFileSync(file, damage)
      expect(() => new Registry(file)).toThrow(/iot\.jsonl.*line 1/)
    }
    rmSync(dir, { recursive: true })
  })
})

describe('policies', () => {
  it('are deleted only when no certificate has them', async () => {
    world.iot.putPolicy('leaving', devicePolicy)
    const { principal } = await registered(await makeDevice('held'))
    const attachment = { policyName: 'leaving', target: principal }
    await world.control.send(new AttachPolicyCommand(attachment))
    const targets = () =>
      world.control.send(new ListTargetsForPolicyCommand({ policyName: 'leaving' }))
    expect((await targets()).targets).toEqual([principal])
    const remove = () => world.control.send(new DeletePolicyCommand({ policyName: 'leaving' }))
    await expect(remove()).rejects.toEqual(refused('DeleteConflictException', 409))
    expect(() => world.iot.deletePolicy('leaving')).toThrow(/attached to one or more principals/)
    await world.control.send(new DetachPolicyCommand(attachment))
    await remove()
    await expect(targets()).rejects.toEqual(refused('ResourceNotFoundException', 404))
  })
})

describe('a detachment that takes its time', () => {
  let slow: World
  let clock = 0
  beforeAll(async () => {
    const start = Date.now()
    slow = await startWorld({ detachLagMs: 1_000, now: () => start + clock })
  })
  afterAll(() => slow.close())

  /** A device whose certificate and thing were just taken apart. */
  async function detached(name: string) {
    const { certificateArn: principal, certificateId } = await slow.device(name)
    await slow.control.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    await slow.control.send(new DetachThingPrincipalCommand({ thingName: name, principal }))
    await slow.control.send(new DetachPolicyCommand({ policyName: 'device', target: principal }))
    return certificateId
  }

  it('lets nothing be deleted until it has arrived', async () => {
    const certificateId = await detached('slow')
    const removals = [
      () => slow.control.send(new DeleteCertificateCommand({ certificateId })),
      () => slow.control.send(new DeleteThingCommand({ thingName: 'slow' })),
      () => slow.control.send(new DeletePolicyCommand({ policyName: 'device' })),
    ]
    for (const remove of removals) await expect(remove()).rejects.toThrow()
    clock += 1_001
    for (const remove of removals) await remove()
    slow.iot.putPolicy('device', devicePolicy)
  })

  it('is waited for by who deletes patiently', async () => {
    const certificateId = await detached('patient')
    const waited: number[] = []
    const wait = async (ms: number) => {
      waited.push(ms)
      clock += ms
    }
    const remove = () => slow.control.send(new DeleteCertificateCommand({ certificateId }))
    await deletePatiently(remove, wait)
    await deletePatiently(() => slow.control.send(new DeleteThingCommand({ thingName: 'patient' })))
    expect(waited).toEqual([250, 500, 1_000])
    const { certificates } = await slow.control.send(new ListCertificatesCommand({}))
    expect(certificates).toEqual([])
  })

  it('is given up on when it never arrives', async () => {
    const certificateId = await detached('stuck')
    const remove = () => slow.control.send(new DeleteCertificateCommand({ certificateId }))
    await expect(deletePatiently(remove, async () => {})).rejects.toEqual(
      refused('DeleteConflictException', 409),
    )
  })
})
