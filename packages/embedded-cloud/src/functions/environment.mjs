/**
 * The inside of one execution environment: loads a handler and runs it, one invocation at a time,
 * as Lambda's Node runtime does. Plain JavaScript, because a worker thread starts without a
 * TypeScript loader (and so in half the time). `execution-environment.ts` is the other side.
 */
import { existsSync } from 'node:fs'
import https from 'node:https'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { pathToFileURL } from 'node:url'
import { format } from 'node:util'
import { parentPort, workerData } from 'node:worker_threads'

const settings = workerData
let output = ''
let flushing

function write(chunk, encoding, done) {
  output += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
  flushing ??= setImmediate(flush)
  const callback = typeof encoding === 'function' ? encoding : done
  if (callback) queueMicrotask(callback)
  return true
}

function flush() {
  const text = takeOutput()
  if (text) parentPort.postMessage({ kind: 'output', text })
}

/** What was written since the last time; it travels with the answer, which saves a message. */
function takeOutput() {
  if (flushing) clearImmediate(flushing)
  flushing = undefined
  const text = output
  output = ''
  return text
}

const levels = { debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR' }
let requestId

/** Lambda's Node runtime puts this before what `console` prints, so that such a line is never JSON. */
function adaptConsole() {
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...values) => {
      // one event of the log, however many lines
      const message = format(...values).replaceAll('\n', '\r')
      write(`${new Date().toISOString()}\t${requestId}\t${level}\t${message}\n`)
    }
  }
}

function describe(error) {
  const known = error instanceof Error
  return {
    errorType: known ? error.name || 'Error' : typeof error === 'object' ? 'Error' : typeof error,
    errorMessage: known ? error.message : text(error),
    trace: known && error.stack ? error.stack.split('\n') : [],
  }
}

function text(value) {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
}

function runtimeError(name, message) {
  const error = new Error(message)
  error.name = name
  return error
}

async function loadHandler() {
  const dot = settings.handler.lastIndexOf('.')
  const [path, name] = [settings.handler.slice(0, dot), settings.handler.slice(dot + 1)]
  const module = await import(pathToFileURL(moduleFile(path)).href)
  const handler = module[name] ?? module.default?.[name]
  if (typeof handler === 'function') return handler
  throw runtimeError('Runtime.HandlerNotFound', `${settings.handler} is undefined or not exported`)
}

/** Lambda tries the endings in this order. */
function moduleFile(path) {
  const file = ['.js', '.mjs', '.cjs']
    .map((ending) => join(settings.codeFolder, path + ending))
    .find(existsSync)
  if (file) return file
  throw runtimeError('Runtime.ImportModuleError', `Error: Cannot find module '${path}'`)
}

function contextOf(call) {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: settings.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: settings.functionArn,
    memoryLimitInMB: String(settings.memoryMegabytes),
    awsRequestId: call.requestId,
    logGroupName: settings.logGroup,
    logStreamName: settings.logStream,
    identity: undefined,
    clientContext: undefined,
    getRemainingTimeInMillis: () => Math.max(0, call.deadline - Date.now()),
  }
}

function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, result) => (error ? reject(error) : resolve(result))
    const returned = handler(event, context, callback)
    if (typeof returned?.then === 'function') returned.then(resolve, reject)
    else if (handler.length < 3) resolve(returned)
  })
}

/** Below the thread of the services and those of functions that somebody waits for. */
const backgroundPriority = 10
let hasGivenWay = false

/** On Linux a priority is one thread's (setpriority(2)); elsewhere it would be that of all. */
function giveWay() {
  if (hasGivenWay || process.platform !== 'linux') return
  hasGivenWay = true
  setPriority(0, backgroundPriority)
}

async function answer(handler, call) {
  requestId = call.requestId
  if (call.isBackground) giveWay()
  try {
    const result = await run(handler, JSON.parse(call.payload), contextOf(call))
    const payload = JSON.stringify(result) ?? 'null'
    parentPort.postMessage({ kind: 'result', payload, output: takeOutput() })
  } catch (error) {
    parentPort.postMessage({ kind: 'error', error: describe(error), output: takeOutput() })
  }
}

/**
 * How HTTPS works here that does not on AWS. Functions trust the embedded cloud's own CA as they trust
 * public ones: NODE_EXTRA_CA_CERTS is read once per process, so a thread is told in another way. And
 * the functions of the CDK's own custom resources drop the port of their ResponseURL, so what they
 * send to port 443 of this machine goes to where CloudFormation listens.
 */
function adaptHttps() {
  const agent = https.globalAgent
  const connect = agent.createConnection
  agent.createConnection = function (options, callback) {
    const dropped = options.host === 'localhost' && Number(options.port) === 443
    const port = dropped ? settings.answerPort : options.port
    const ca = options.ca ?? [...tls.rootCertificates, settings.authority]
    return connect.call(this, { ...options, port, ca }, callback)
  }
}

function fatal(name) {
  return (error) => {
    const described = { ...describe(error), errorType: name }
    parentPort.postMessage({ kind: 'fatal', error: described, output: takeOutput() })
    process.exit(1)
  }
}

process.stdout.write = write
process.stderr.write = write
process.on('unhandledRejection', fatal('Runtime.UnhandledPromiseRejection'))
process.on('uncaughtException', fatal('Runtime.UncaughtException'))
adaptHttps()
adaptConsole()
try {
  const handler = await loadHandler()
  parentPort.on('message', (call) => void answer(handler, call))
  parentPort.postMessage({ kind: 'ready', output: takeOutput() })
} catch (error) {
  parentPort.postMessage({ kind: 'failed', error: describe(error), output: takeOutput() })
}
