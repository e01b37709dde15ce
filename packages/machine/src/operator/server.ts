import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { MachineError } from '../failure.ts'
import { OPERATOR_SOCKET } from '../state-files.ts'
import {
  decodeArguments,
  encode,
  mayChange,
  OPERATOR_PROTOCOL,
  type RemotePorts,
  remoteMethods,
} from './contract.ts'

/**
 * Streams something to the operator; an error before the first byte is answered with its message.
 */
export type Download = (body: unknown, response: ServerResponse) => Promise<void>

export interface OperatorServerOptions {
  readonly folder: string
  readonly ports: RemotePorts
  /** What is streamed because it is too large for one answer, by name. */
  readonly downloads: Readonly<Record<string, Download>>
  /** A sentence that says why nothing may be changed now; undefined if changes are allowed. */
  readonly closed: () => string | undefined
  /** Called when a call fails for a reason its caller cannot know. */
  failed(call: string, fault: unknown): void
}

export interface OperatorServer {
  close(): Promise<void>
}

/** Bytes of a call. The largest argument is the record of a certificate with all its topics. */
const MAX_CALL_BYTES = 4 * 1024 * 1024
/** Linux takes 108 bytes with a zero at the end (unix(7)), macOS 104. */
const MAX_PATH_BYTES = 103

/**
 * Answers the operator's command on a socket that only the owner of the state folder may open.
 * There is no other credential: anyone who can open the socket controls the machine.
 */
export async function startOperatorServer(options: OperatorServerOptions): Promise<OperatorServer> {
  const path = join(options.folder, OPERATOR_SOCKET)
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new MachineError(
      `the path of the operator's socket, ${path}, is longer than ${MAX_PATH_BYTES} bytes: give --state a shorter one`,
    )
  // the folder is ours, so a socket in it belonged to a process that is gone
  rmSync(path, { force: true })
  const server = createServer((request, response) => void answer(request, response, options))
  await new Promise<void>((resolve, reject) => {
    const mask = process.umask(0o177)
    try {
      server.once('error', reject).listen(path, resolve)
    } finally {
      process.umask(mask)
    }
  })
  chmodSync(path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: OperatorServerOptions,
): Promise<void> {
  const call = (request.url ?? '').slice(1)
  try {
    const text = await bodyOf(request)
    const [version, port = '', method = ''] = call.split('/')
    if (version !== `v${OPERATOR_PROTOCOL}`) throw unknown(call)
    const download = port === 'download' ? options.downloads[method] : undefined
    if (download) return await download(decodeArguments(text)[0], response)
    const closed = mayChange(port, method) ? options.closed() : undefined
    if (closed !== undefined) throw new MachineError(closed)
    const value = await functionOf(options.ports, port, method)(...decodeArguments(text))
    response.setHeader('content-type', 'application/json').end(encode({ value }))
  } catch (fault) {
    if (!(fault instanceof MachineError)) options.failed(call, fault)
    if (response.headersSent) return void response.destroy()
    const message = fault instanceof Error ? fault.message : String(fault)
    const status = fault instanceof MachineError ? 422 : 500
    response.writeHead(status, { 'content-type': 'application/json' }).end(encode({ message }))
  }
}

type Callable = (...given: unknown[]) => unknown

function functionOf(ports: RemotePorts, port: string, method: string): Callable {
  const methods: readonly string[] = Object.hasOwn(remoteMethods, port)
    ? remoteMethods[port as keyof typeof remoteMethods]
    : []
  if (!methods.includes(method)) throw unknown(`${port}/${method}`)
  const object = ports[port as keyof RemotePorts] as unknown as Record<string, Callable>
  const found = object[method]
  if (!found) throw unknown(`${port}/${method}`)
  return (...given) => found.apply(object, given)
}

function unknown(call: string): MachineError {
  return new MachineError(
    `the server does not know ${JSON.stringify(call)}: use the heliograph command of the version that serves`,
  )
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_CALL_BYTES)
      throw new MachineError(`a call has at most ${MAX_CALL_BYTES} bytes: ask for less at a time`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
