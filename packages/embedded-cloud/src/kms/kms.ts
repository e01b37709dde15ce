import type { ServerResponse } from 'node:http'
import { AwsError, answerJson, answerJsonError, notAuthorized, parseInput } from '../answer.ts'
import { allows } from '../policy.ts'
import type {
  CloudIdentity,
  Log,
  PolicyDocument,
  PolicyStatement,
  Service,
  ServiceRequest,
} from '../types.ts'
import { type KeySpec, KeyStore } from './key-store.ts'
import { contextOf, type Json, keyFor, keyOperations, storeOperations } from './operations.ts'
import { asymmetricSpecs } from './specs.ts'

export interface KmsOptions {
  readonly identity: CloudIdentity
  /** JSON file with the key material, mode 0600. */
  readonly stateFile: string
  readonly log: Log
}

/** Properties of AWS::KMS::Key with every intrinsic resolved. */
export interface KeyProperties {
  readonly KeySpec?: string
  readonly KeyUsage?: string
  readonly Description?: string
  readonly Enabled?: boolean
  /** What the key leaves to IAM: an action that it does not allow the account is refused to all. */
  readonly KeyPolicy?: PolicyDocument
  readonly [property: string]: unknown
}

/** A small KMS: real keys, kept in a file of the state directory. */
export interface Kms {
  readonly service: Service
  /** `stableId` (stack and logical id) finds the same key after a restart; another spec is an error. */
  createKey(
    stableId: string,
    properties: KeyProperties,
  ): Promise<{ readonly keyId: string; readonly arn: string }>
  deleteKey(stableId: string): Promise<void>
  /** The key can do nothing from now on; the next `createKey` makes another. */
  scheduleKeyDeletion(stableId: string, days: number): Promise<void>
  /** `aliasName` begins with `alias/`; `target` is a key id or ARN. */
  createAlias(aliasName: string, target: string): Promise<{ readonly arn: string }>
  deleteAlias(aliasName: string): Promise<void>
  close(): Promise<void>
}

/** Starts KMS; rejects with `DamagedStateError` when the file of keys cannot be read. */
export async function startKms({ identity, stateFile }: KmsOptions): Promise<Kms> {
  const store = await KeyStore.open(stateFile, identity)
  const policies = new Map<string, PolicyDocument>()
  const authorizeKey: AuthorizeKey = (request, operation, arn, context) => {
    authorize(request, operation, arn, context)
    const policy = policies.get(arn)
    if (policy && !allows([policy], { action: `kms:${operation}`, resource: arn, context }))
      throw new AwsError(
        'AccessDeniedException',
        `The policy of key ${arn} lacks kms:${operation}.`,
      )
  }
  return {
    service: { signingNames: ['kms'], handle: (...call) => handle(store, authorizeKey, ...call) },
    async createKey(stableId, properties) {
      const spec = specOf(stableId, properties)
      const { Description = '', Enabled = true } = properties
      const { keyId, arn } = await store.create(stableId, spec, Description, Enabled)
      if (properties.KeyPolicy) policies.set(arn, leftToIam(properties.KeyPolicy, identity))
      return { keyId, arn }
    },
    deleteKey: (stableId) => store.delete(stableId),
    scheduleKeyDeletion: (stableId, days) => store.scheduleDeletion(stableId, days),
    async createAlias(aliasName, target) {
      if (!aliasName.startsWith('alias/'))
        throw new Error(`The alias ${aliasName} must begin with alias/.`)
      return { arn: await store.setAlias(aliasName, target) }
    },
    deleteAlias: (aliasName) => store.deleteAlias(aliasName),
    close: () => store.save(),
  }
}

function specOf(
  stableId: string,
  { KeySpec = 'SYMMETRIC_DEFAULT', KeyUsage }: KeyProperties,
): KeySpec {
  const symmetric = KeySpec === 'SYMMETRIC_DEFAULT'
  if (!symmetric && !Object.hasOwn(asymmetricSpecs, KeySpec))
    throw new Error(`The key ${stableId} has the spec ${KeySpec}, which the embedded KMS lacks.`)
  const usage = symmetric ? 'ENCRYPT_DECRYPT' : 'SIGN_VERIFY'
  if (KeyUsage !== undefined && KeyUsage !== usage)
    throw new Error(`The key ${stableId} (${KeySpec}) can be used for ${usage} only here.`)
  return KeySpec as KeySpec
}

/** The part of a key policy that gives the account a right, so that IAM policies decide on it. */
function leftToIam(policy: PolicyDocument, { accountId }: CloudIdentity): PolicyDocument {
  const root = `arn:aws:iam::${accountId}:root`
  const statements = [policy.Statement].flat() as (PolicyStatement & { Principal?: unknown })[]
  const own = statements.filter(({ Principal }) => JSON.stringify(Principal)?.includes(root))
  return { Statement: own.map(({ Principal: _principal, ...statement }) => statement) }
}

type AuthorizeKey = (
  request: ServiceRequest,
  operation: string,
  keyArn: string,
  context: Readonly<Record<string, string>>,
) => void

async function handle(
  store: KeyStore,
  authorizeKey: AuthorizeKey,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  try {
    const target = String(request.headers['x-amz-target'])
    const operation = target.slice(target.indexOf('.') + 1)
    const output = await operate(store, authorizeKey, operation, parseInput(request.body), request)
    answerJson(response, output, '1.1')
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    answerJsonError(response, error, '1.1')
  }
}

async function operate(
  store: KeyStore,
  authorizeKey: AuthorizeKey,
  operation: string,
  input: Json,
  request: ServiceRequest,
): Promise<Json> {
  const general = storeOperations[operation]
  if (general !== undefined) {
    authorize(request, operation, '*', {})
    return general(store, input)
  }
  const work = keyOperations[operation]
  if (work === undefined)
    throw new AwsError('UnknownOperationException', `The embedded KMS does not have ${operation}.`)
  const key = keyFor(operation, input, store)
  authorizeKey(request, operation, key.arn, conditionKeys(input))
  return work(key, input, store)
}

function authorize(
  { caller }: ServiceRequest,
  operation: string,
  resource: string,
  context: Readonly<Record<string, string>>,
): void {
  const action = `kms:${operation}`
  if (caller.may(action, resource, context)) return
  throw new AwsError('AccessDeniedException', notAuthorized(caller.name, action, resource))
}

/** What a policy's conditions may ask of a call (kms:policy-conditions). */
function conditionKeys(input: Json): Record<string, string> {
  const keys: Record<string, string> = {}
  for (const [name, value] of Object.entries(contextOf(input)))
    keys[`kms:EncryptionContext:${name}`] = value
  for (const name of ['SigningAlgorithm', 'MessageType']) {
    const value = input[name]
    if (typeof value === 'string') keys[`kms:${name}`] = value
  }
  const reference = input.KeyId
  if (typeof reference === 'string' && reference.startsWith('alias/'))
    keys['kms:RequestAlias'] = reference
  return keys
}
