import { existsSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { MachineError } from '../failure.ts'
import { OPERATOR_SOCKET } from '../state-files.ts'
import { decode, encode, OPERATOR_PROTOCOL, type RemotePorts, remoteMethods } from './contract.ts'

/** The ports of a server that runs, for the operator's command. */
export interface MachineClient {
  readonly ports: RemotePorts
  /** Streams data that is too large for one answer. */
  download(name: string, argument: unknown): Promise<IncomingMessage>
  close(): void
}

/** Nobody serves from this folder, or the caller may not ask. */
export class MachineUnreachable extends Error {
  override readonly name = 'MachineUnreachable'
}

export function openMachineClient(folder: string): MachineClient {
  const socketPath = join(folder, OPERATOR_SOCKET)
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })

  function send(path: string, argument: unknown): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const call = request(
        { socketPath, agent, method: 'POST', path: `/v${OPERATOR_PROTOCOL}/${path}` },
        resolve,
      )
      call.once('error', (fault) => reject(unreachable(fault, folder)))
      call.end(encode(argument))
    })
  }

  async function call(path: string, given: readonly unknown[]): Promise<unknown> {
    const answer = await send(path, given)
    const body = decode(await textOf(answer)) as { value?: unknown; message?: string }
    if (answer.statusCode === 200) return body.value
    throw refusal(answer, body.message)
  }

  return {
    ports: remotePorts(call),
    async download(name, argument) {
      const answer = await send(`download/${name}`, [argument])
      if (answer.statusCode === 200) return answer
      const { message } = decode(await textOf(answer)) as { message?: string }
      throw refusal(answer, message)
    },
    close: () => agent.destroy(),
  }
}

type Call = (path: string, given: readonly unknown[]) => Promise<unknown>

/** Every method that the contract names, as a call. */
function remotePorts(call: Call): RemotePorts {
  const ports = Object.entries(remoteMethods).map(([port, methods]) => {
    const made = methods.map((method) => [
      method,
      (...given: unknown[]) => call(`${port}/${method}`, given),
    ])
    return [port, Object.fromEntries(made)]
  })
  return Object.fromEntries(ports) as RemotePorts
}

function refusal({ statusCode }: IncomingMessage, message = 'no reason was given'): Error {
  return statusCode === 422 ? new MachineError(message) : new Error(message)
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function unreachable(fault: Error, folder: string): Error {
  const { code } = fault as NodeJS.ErrnoException
  const because = (message: string) => new MachineUnreachable(message, { cause: fault })
  if (code === 'EACCES')
    return because(
      `the operator's socket in ${folder} belongs to another user: run the command as the user that runs the service`,
    )
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return because(
      existsSync(folder)
        ? `no service is running in ${folder}: run heliograph serve, or give --state DIR`
        : `there is no state folder ${folder}: give --state DIR`,
    )
  return fault
}
