import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { answer, answerServiceError as refuse } from './answer.ts'
import { type Claim, flawOf, readClaim, type Secrets, type SignatureFlaw } from './signature.ts'
import type { Caller, Log, Service, ServiceRequest } from './types.ts'

/**
 * The single HTTP address of the embedded cloud, like LocalStack's :4566. The credential scope of a
 * request's SigV4 signature identifies its service and its caller, whose secret must have made the
 * signature. Any program and any web page on the machine can reach a port on loopback, so a request
 * without a secret, under a foreign host name (DNS rebinding), or from a web page of any origin is
 * refused.
 */

/** Who holds an access key, and the secrets that a signature is checked against. */
export interface Signer extends Secrets {
  readonly caller: Caller
}

export interface EndpointOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Who signs with an access key id; undefined is refused with 403. */
  signers(accessKeyId: string): Signer | undefined
  /**
   * `unchecked` admits anyone who names an access key: for functions whose secrets only another program, an emulator of AWS, knows. Default: `checked`.
   */
  readonly signatures?: 'checked' | 'unchecked'
  /** Services known from the start; more may be added with `Endpoint.add`. */
  readonly services?: readonly Service[]
  readonly log: Log
  /** Lets a fault injector slow, refuse, cut or lose calls; see `Fault`. */
  readonly beforeService?: BeforeService
}

/** Asked once per call, after its body has arrived; undefined lets the call pass. */
export type BeforeService = (call: ServiceCall) => Fault | undefined | Promise<Fault | undefined>

export interface ServiceCall {
  /** The SigV4 signing name: `dynamodb`, `sqs`, `iotdata` … */
  readonly service: string
  /** `PutItem` for the JSON and Query protocols, method and path (`POST /connections/x/messages`) for REST. */
  readonly action: string
  readonly request: ServiceRequest
}

/**
 * What happens to a call, after `delayMs` milliseconds:
 * `pass` the service does it; `lose` the service does it, but the connection is cut in place of the answer;
 * `cut` the connection is cut and nothing done; `answer` the given error, nothing done.
 */
export type Fault =
  | { readonly outcome: 'pass' | 'lose' | 'cut'; readonly delayMs?: number }
  | {
      readonly outcome: 'answer'
      readonly delayMs?: number
      readonly status: number
      /** The error's name, for example `ProvisionedThroughputExceededException`. */
      readonly code: string
      readonly message: string
    }

export interface Endpoint {
  /** `http://127.0.0.1:<port>`, what AWS_ENDPOINT_URL holds. */
  readonly url: string
  readonly port: number
  /** Adds a service after the start, for one that needs the endpoint's address (queue URLs). */
  add(service: Service): void
  /** Takes no new connections, lets running calls end for up to two seconds, then cuts them. */
  close(): Promise<void>
}

/** The largest body any service takes, in bytes. */
const maxBodyBytes = 64 * 1024 * 1024
/** SDK clients keep idle sockets long; a server that closes first makes their next call fail. */
const idleSocketMs = 10 * 60 * 1000
const closeGraceMs = 2000

interface Router {
  readonly options: EndpointOptions
  readonly services: Map<string, Service>
  /** What a Host header may say, known once the port is. */
  readonly hosts: Set<string>
}

/** Starts the endpoint; rejects with the socket's error when the port is taken. */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const router: Router = { options, services: new Map(), hosts: new Set() }
  const server = createServer({ keepAliveTimeout: idleSocketMs }, (request, response) => {
    route(router, request, response).catch((error) => {
      fail(router, 'endpoint', response, error)
    })
  })
  // A client that breaks off or does not speak HTTP affects nobody but itself.
  server.on('clientError', (_error, socket) => socket.destroy())
  for (const service of options.services ?? []) addService(router.services, service)
  await listen(server, options)
  const { port } = server.address() as AddressInfo
  for (const name of [options.host, 'localhost']) router.hosts.add(`${name}:${port}`)
  return {
    url: `http://${options.host}:${port}`,
    port,
    add: (service) => addService(router.services, service),
    close: () => closeServer(server),
  }
}

function addService(services: Map<string, Service>, service: Service): void {
  for (const name of service.signingNames) {
    if (services.has(name)) throw new Error(`Two services sign as ${name}.`)
    services.set(name, service)
  }
}

function listen(server: Server, { port, host }: EndpointOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection that was busy at first stays open after its answer, waiting for the client's next call.
  const idle = setInterval(() => server.closeIdleConnections(), 10)
  const deadline = setTimeout(() => server.closeAllConnections(), closeGraceMs)
  await closed
  clearInterval(idle)
  clearTimeout(deadline)
}

async function route(
  router: Router,
  raw: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = raw.url ?? '/'
  const stranger = strangerIn(router, raw)
  if (stranger !== undefined) return refuse(response, '', 403, 'AccessDeniedException', stranger)
  if (url === '/_health') return answerHealth(router, response)
  if (hasCredentials(url)) return refuse(response, '', 403, 'AccessDeniedException', inQuery)
  const claim = readClaim(raw.headers.authorization)
  if (claim === undefined) return refuseUnsigned(response)
  const { service: name, accessKeyId } = claim
  const service = router.services.get(name)
  if (service === undefined) return refuseService(router, raw, response, name)
  const signer = router.options.signers(accessKeyId)
  if (signer === undefined) return refuseKey(response, name)
  const body = await readBody(raw)
  if (body === 'too large') return refuse(response, name, 413, 'RequestEntityTooLarge', tooLarge)
  if (body === 'broken off') return
  const method = raw.method ?? 'GET'
  const { caller } = signer
  const request: ServiceRequest = { raw, method, url, headers: raw.headers, body, caller }
  const flaw = flawIn(router, request, claim, signer)
  if (flaw !== undefined) return refuseSignature(response, name, flaw)
  await serve(router, name, service, request, response)
}

/** A browser names the page's origin and cannot leave it out; a program has no reason to send one. */
function strangerIn({ hosts }: Router, { headers }: IncomingMessage): string | undefined {
  // nobody can have a name under `localhost` (RFC 6761); S3 takes a bucket's there
  const host = headers.host?.toLowerCase().replace(/^.*\.(?=localhost(:|$))/, '') ?? ''
  if (!hosts.has(host)) return 'The Host header must be the address of the embedded cloud.'
  return headers.origin === undefined ? undefined : 'Web pages may not call the embedded cloud.'
}

const inQuery =
  'Credentials in a query get into logs and histories: sign the request in its Authorization header.'

/** Also such as are encoded or written in another case. */
function hasCredentials(url: string): boolean {
  const query = url.indexOf('?')
  if (query === -1) return false
  const names = [...new URLSearchParams(url.slice(query + 1)).keys()]
  return names.some((name) =>
    /^(x-amz-(credential|signature|security-token)|awsaccesskeyid)$/i.test(name),
  )
}

function flawIn(
  { options }: Router,
  request: ServiceRequest,
  claim: Claim,
  signer: Signer,
): SignatureFlaw | undefined {
  if (options.signatures === 'unchecked') return undefined
  return flawOf(request, claim, signer, Date.now())
}

async function serve(
  router: Router,
  name: string,
  service: Service,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  const { beforeService } = router.options
  if (beforeService !== undefined) {
    const fault = await beforeService({ service: name, action: actionOf(request), request })
    if (fault !== undefined) return applyFault(fault, name, service, request, response)
  }
  try {
    await service.handle(request, response)
  } catch (error) {
    fail(router, name, response, error)
  }
}

async function applyFault(
  fault: Fault,
  name: string,
  service: Service,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  if (fault.delayMs) await delay(fault.delayMs)
  switch (fault.outcome) {
    case 'pass':
      return service.handle(request, response)
    case 'answer':
      return refuse(response, name, fault.status, fault.code, fault.message)
    case 'lose':
      // Written to a response that has no socket: the work is done, but nobody gets the answer.
      await service.handle(request, new ServerResponse(request.raw))
      request.raw.socket.destroy()
      return
    case 'cut':
      request.raw.socket.destroy()
  }
}

const tooLarge = `A request body may have at most ${maxBodyBytes} bytes.`

function readBody(raw: IncomingMessage): Promise<Buffer | 'too large' | 'broken off'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    raw.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBodyBytes) chunks.push(chunk)
      else resolve('too large')
    })
    raw.on('end', () => {
      const [only] = chunks
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size))
    })
    raw.on('error', () => resolve('broken off'))
    raw.on('close', () => resolve('broken off'))
  })
}

/** The action of a call as a fault injector names it. */
function actionOf(request: ServiceRequest): string {
  const target = request.headers['x-amz-target']
  if (typeof target === 'string') return target.slice(target.indexOf('.') + 1)
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    const action = new URLSearchParams(request.body.toString('utf8')).get('Action')
    if (action !== null) return action
  }
  return `${request.method} ${pathOf(request.url)}`
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

function answerHealth(router: Router, response: ServerResponse): void {
  const body = JSON.stringify({ status: 'running', services: [...router.services.keys()].sort() })
  answer(response, 200, { 'content-type': 'application/json' }, body)
}

function refuseUnsigned(response: ServerResponse): void {
  const message = 'Missing Authentication Token: sign the request with AWS Signature Version 4.'
  refuse(response, '', 403, 'MissingAuthenticationTokenException', message)
}

function refuseService(
  router: Router,
  { headers }: IncomingMessage,
  response: ServerResponse,
  name: string,
): void {
  const known = [...router.services.keys()].sort().join(', ')
  const message = `The embedded cloud has no service that signs as ${name}; it has ${known}.`
  router.options.log('endpoint', message)
  // 501, because SDKs repeat other server errors.
  refuse(response, name, 501, 'NotImplemented', message, headers['content-type'])
}

/** What each service calls an access key id that nobody has. */
const unknownKeyCodes: Readonly<Record<string, string>> = {
  s3: 'InvalidAccessKeyId',
  sqs: 'InvalidClientTokenId',
  sns: 'InvalidClientTokenId',
  cloudformation: 'InvalidClientTokenId',
}

const flaws: Readonly<Record<SignatureFlaw, string>> = {
  incomplete:
    'Sign the host and every x-amz- header, x-amz-date among them; S3 also needs x-amz-content-sha256.',
  skewed:
    'The difference between the request time and the current time is too large (15 minutes at most).',
  token: 'The security token included in the request is invalid.',
  payload: "The x-amz-content-sha256 header does not match the request's body.",
  encoding:
    'Chunks that are signed one by one are not known here: sign the body whole, or leave it unsigned.',
  mismatch:
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
}

/** S3 has a code for each flaw, the JSON services one for all, the Query ones another. */
const s3FlawCodes: Readonly<Record<SignatureFlaw, string>> = {
  incomplete: 'AccessDenied',
  skewed: 'RequestTimeTooSkewed',
  token: 'InvalidToken',
  payload: 'XAmzContentSHA256Mismatch',
  encoding: 'NotImplemented',
  mismatch: 'SignatureDoesNotMatch',
}

function flawCode(name: string, flaw: SignatureFlaw): string {
  if (name === 's3') return s3FlawCodes[flaw]
  if (flaw === 'token') return unknownKeyCodes[name] ?? 'UnrecognizedClientException'
  if (flaw === 'skewed') return 'RequestTimeTooSkewed'
  return name === 'cloudformation' || name === 'sns'
    ? 'SignatureDoesNotMatch'
    : 'InvalidSignatureException'
}

function refuseSignature(response: ServerResponse, name: string, flaw: SignatureFlaw): void {
  refuse(response, name, 403, flawCode(name, flaw), flaws[flaw])
}

function refuseKey(response: ServerResponse, name: string): void {
  const code = unknownKeyCodes[name] ?? 'UnrecognizedClientException'
  refuse(response, name, 403, code, 'The security token included in the request is invalid.')
}

function fail(router: Router, name: string, response: ServerResponse, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  router.options.log(name, `a request failed inside the embedded cloud: ${text}`)
  if (response.headersSent) response.destroy()
  else refuse(response, name, 500, 'InternalFailure', 'The embedded cloud failed; see its log.')
}
