import * as http2 from 'node:http2'
import type { Answer } from '@heliograph/core/send/answer'
import type { ProviderRequest } from '@heliograph/core/send/provider-request'
import { onTestFinished } from 'vitest'
import { jsonLog } from '../src/log.ts'
import { type Front, startFront } from '../src/server/front.ts'
import { type ServerLimits, serverLimits } from '../src/server/limits.ts'
import { serverCertificate } from '../src/server/server-certificate.ts'
import { systemClock, systemIds } from '../src/world.ts'
import { makeAuthority } from './device-server-support.ts'

export const OURS = '/ours'

export interface FrontWorld {
  readonly front: Front
  readonly ca: string
  /** Paths that have reached the rules. */
  readonly asked: string[]
  answer: (request: ProviderRequest) => Promise<Answer>
}

/** A server that knows whoever asks for /ours, and refuses everybody else. */
export async function startWorld(
  limits: Partial<ServerLimits> = {},
  port = 0,
): Promise<FrontWorld> {
  const authority = await makeAuthority('server')
  const tls = await serverCertificate(['localhost'], authority, {
    clock: systemClock,
    ids: systemIds(),
  })
  const world = {
    ca: authority.certificate,
    asked: [] as string[],
    answer: async ({ path }: ProviderRequest): Promise<Answer> => ({
      status: path === OURS ? 200 : 403,
      headers: {},
    }),
  }
  const front = await startFront({
    name: 'test',
    listen: { host: '127.0.0.1', port },
    ...{ tls, log: jsonLog(() => {}) },
    exchanges: {
      limits: { ...serverLimits, ...limits },
      ...{ held: 0, open: 0, ofNewcomers: 0 },
      answer: (request) => {
        world.asked.push(request.path)
        return world.answer(request)
      },
      edge: (status) => ({ status, headers: {}, body: '{}' }),
      ...{ refused() {}, failed() {}, answered() {} },
    },
  })
  onTestFinished(() => front.close(0))
  return Object.assign(world, { front })
}

export function openSession(
  { front, ca }: FrontWorld,
  settings: http2.Settings = {},
): http2.ClientHttp2Session {
  const session = http2.connect(`https://localhost:${front.port}`, { ca, settings })
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  return session
}

export interface Sent {
  readonly status: Promise<number>
  readonly stream: http2.ClientHttp2Stream
}

export function send(
  session: http2.ClientHttp2Session,
  path: string,
  { body = '', end = true }: { readonly body?: string; readonly end?: boolean } = {},
): Sent {
  const stream = session.request({ ':method': 'POST', ':path': path }, { endStream: false })
  const status = new Promise<number>((resolve) => {
    stream.on('response', (headers) => resolve(Number(headers[':status'])))
    stream.on('error', () => {})
    stream.on('close', () => resolve(-stream.rstCode))
  })
  stream.resume()
  if (end) stream.end(body)
  else if (body !== '') stream.write(body)
  return { status, stream }
}
