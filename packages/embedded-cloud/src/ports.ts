import { type AddressInfo, createServer } from 'node:net'
import { CloudStartError, messageOf } from './cloud-start-error.ts'

/** A port on the loopback interface that nobody else can take until it is released. */
export interface ReservedPort {
  readonly port: number
  /** Frees the port for the server that will listen there; more calls do nothing. */
  release(): Promise<void>
}

/** Takes a port, 0 = any free one. `purpose` says in an error what it was for. */
export async function reservePort(port: number, purpose: string): Promise<ReservedPort> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(portError(error, port, purpose)))
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address() as AddressInfo
  const release = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return { port: address.port, release }
}

/** The sentence for a port that cannot be listened on. */
export function portError(error: unknown, port: number, purpose: string): CloudStartError {
  const used = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  const why = used
    ? 'is in use by another program; stop it or choose another port.'
    : `cannot be used (${messageOf(error)}); choose another port.`
  return new CloudStartError(`Port ${port} for ${purpose} ${why}`, { cause: error })
}
