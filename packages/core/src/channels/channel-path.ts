import { type Rejection, reject } from '@heliograph/protocol/rejection'
import type { ProviderRequest } from '../send/provider-request.ts'

/** What a request asks for; `bundleId` is the text in its path, which nothing has checked. */
export interface ChannelCall {
  readonly call: 'publish' | 'create' | 'read' | 'delete' | 'list'
  readonly bundleId: string
}

const PUBLISH = /^\/4\/broadcasts\/apps\/([^/]+)$/
const MANAGE = /^\/1\/apps\/([^/]+)\/(channels|all-channels)$/

const calls: ReadonlyMap<string, ChannelCall['call']> = new Map([
  ['POST broadcasts', 'publish'],
  ['POST channels', 'create'],
  ['GET channels', 'read'],
  ['DELETE channels', 'delete'],
  ['GET all-channels', 'list'],
])

/** Whether a request of this path is about channels, as the routes on AWS have it: a front door gives it to `answerChannels`. */
export function isChannelPath(path: string): boolean {
  return path.startsWith('/4/broadcasts/') || path.startsWith('/1/apps/')
}

export function readChannelPath({
  method,
  path,
}: Pick<ProviderRequest, 'method' | 'path'>): ChannelCall | Rejection {
  const [, bundleId = '', family = 'broadcasts'] = PUBLISH.exec(path) ?? MANAGE.exec(path) ?? []
  if (bundleId === '') return unknownPath
  const call = calls.get(`${method} ${family}`)
  return call ? { call, bundleId } : reject('MethodNotAllowed', `this path does not take ${method}`)
}

const unknownPath = reject(
  'BadPath',
  'the path is none of /4/broadcasts/apps/<bundle id>, /1/apps/<bundle id>/channels and /1/apps/<bundle id>/all-channels',
)
