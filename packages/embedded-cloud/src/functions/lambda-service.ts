import type { ServerResponse } from 'node:http'
import { AwsError, answer, notAuthorized } from '../answer.ts'
import { FunctionFault, type Service, type ServiceRequest } from '../types.ts'
import type { FunctionDefinition } from './definition.ts'
import type { FunctionHost } from './function-host.ts'

/** `/2015-03-31/functions/<name or ARN>[/<operation>]` */
const functionPath = /^\/2015-03-31\/functions\/([^/]+)(\/[a-z]+)?\/?$/

const listPath = /^\/2015-03-31\/functions\/?$/

/** The part of the Lambda API that functions and operators use: Invoke, GetFunction and ListFunctions. */
export function lambdaService(functions: FunctionHost): Service {
  return {
    signingNames: ['lambda'],
    handle: async (request, response) => {
      try {
        await route(functions, request, response)
      } catch (error) {
        answerError(response, error)
      }
    },
  }
}

async function route(
  functions: FunctionHost,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  const path = request.url.split('?', 1)[0] ?? ''
  if (request.method === 'GET' && listPath.test(path)) return list(functions, request, response)
  const named = functionPath.exec(path)
  if (named === null) throw notHere(`${request.method} ${path}`)
  const [, encoded = '', operation = ''] = named
  const reference = decodeURIComponent(encoded)
  const known = functions.find(reference)
  if (known === undefined) {
    throw new AwsError('ResourceNotFoundException', `Function not found: ${reference}`, 404)
  }
  const call = `${request.method} ${operation}`
  if (call === 'POST /invocations') await invoke(functions, known, request, response)
  else if (call === 'GET ') getFunction(known, request, response)
  else if (call === 'GET /configuration') getConfiguration(known, request, response)
  else throw notHere(call)
}

/** 501, because SDKs repeat other server errors. */
function notHere(call: string): AwsError {
  return new AwsError('NotImplemented', `The embedded Lambda does not have ${call}.`, 501)
}

async function invoke(
  functions: FunctionHost,
  known: FunctionDefinition,
  request: ServiceRequest,
  response: ServerResponse,
): Promise<void> {
  demand(request, 'lambda:InvokeFunction', known)
  const payload = readPayload(request.body)
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse'
  if (type === 'RequestResponse') await invokeAndAnswer(functions, known, payload, response)
  else if (type === 'DryRun') answerJson(response, 204, '')
  else {
    functions.invokeAsyncJson(known.arn, payload)
    answerJson(response, 202, '')
  }
}

async function invokeAndAnswer(
  functions: FunctionHost,
  known: FunctionDefinition,
  payload: string,
  response: ServerResponse,
): Promise<void> {
  try {
    answerJson(response, 200, await functions.invokeJson(known.arn, payload))
  } catch (fault) {
    if (!(fault instanceof FunctionFault) || isService(fault)) throw fault
    const { errorType, message } = fault
    const body = JSON.stringify({ errorType, errorMessage: message })
    answerJson(response, 200, body, { 'x-amz-function-error': 'Unhandled' })
  }
}

/** Faults of Lambda itself, which the API answers as errors rather than as a function's answer. */
function isService(fault: FunctionFault): boolean {
  return /^(TooManyRequests|Service|ResourceNotFound)Exception$/.test(fault.errorType)
}

function readPayload(body: Buffer): string {
  const text = body.length === 0 ? '{}' : body.toString('utf8')
  try {
    JSON.parse(text)
    return text
  } catch {
    throw new AwsError('InvalidRequestContentException', 'Could not parse request body into json')
  }
}

/** Lambda gives fifty a page at most, however many are asked for. */
const longestPage = 50

function list(functions: FunctionHost, request: ServiceRequest, response: ServerResponse): void {
  const action = 'lambda:ListFunctions'
  if (!request.caller.may(action, '*'))
    throw new AwsError(
      'AccessDeniedException',
      notAuthorized(request.caller.name, action, '*'),
      403,
    )
  const query = new URLSearchParams(request.url.split('?')[1])
  const marker = query.get('Marker') ?? ''
  const size = Math.min(Number(query.get('MaxItems')) || longestPage, longestPage)
  const left = functions.definitions.filter(({ name }) => name > marker)
  const page = left.slice(0, size)
  const NextMarker = left.length > page.length ? page.at(-1)?.name : undefined
  answerJson(response, 200, JSON.stringify({ Functions: page.map(configuration), NextMarker }))
}

function getFunction(
  known: FunctionDefinition,
  request: ServiceRequest,
  response: ServerResponse,
): void {
  demand(request, 'lambda:GetFunction', known)
  answerJson(response, 200, JSON.stringify({ Configuration: configuration(known) }))
}

function getConfiguration(
  known: FunctionDefinition,
  request: ServiceRequest,
  response: ServerResponse,
): void {
  demand(request, 'lambda:GetFunctionConfiguration', known)
  answerJson(response, 200, JSON.stringify(configuration(known)))
}

function configuration(known: FunctionDefinition): object {
  return {
    FunctionName: known.name,
    FunctionArn: known.arn,
    Handler: known.handler,
    Runtime: known.runtime,
    Role: known.role,
    Timeout: known.timeoutSeconds,
    MemorySize: known.memoryMegabytes,
    Environment: { Variables: known.variables },
    Version: '$LATEST',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
  }
}

function demand({ caller }: ServiceRequest, action: string, { arn }: FunctionDefinition): void {
  if (caller.may(action, arn)) return
  throw new AwsError('AccessDeniedException', notAuthorized(caller.name, action, arn), 403)
}

function answerError(response: ServerResponse, error: unknown): void {
  const known = error instanceof FunctionFault ? serviceError(error) : error
  if (!(known instanceof AwsError)) throw error
  const body = JSON.stringify({ Type: 'User', Message: known.message, message: known.message })
  answerJson(response, known.status, body, { 'x-amzn-errortype': known.code })
}

function serviceError({ errorType, message }: FunctionFault): AwsError {
  return new AwsError(errorType, message, errorType.startsWith('TooMany') ? 429 : 500)
}

function answerJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(response, status, { 'content-type': 'application/json', ...headers }, body)
}
