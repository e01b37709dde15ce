import { execFile } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeToken } from '../tools/conformance/bearer.ts'
import type { ServiceProcess } from './cloud-process.ts'
import { usageOf } from './process-usage.ts'
import { programPath } from './rigs/place.ts'

const run = promisify(execFile)

/** nghttp2's load generator, which is in C: where the driver in Node is the limit, it is not. */
export const H2LOAD_PACKAGE = 'nghttp2-client'

export interface Loaded {
  readonly perSecond: number
  /** Of the service, for each request. */
  readonly cpuUs: number
}

/**
 * Tokens that nobody has, over one connection. h2load shows no client certificate, so each request
 * has a provider token. Undefined where h2load is not installed.
 */
export async function loadWithH2load(
  { local, pid }: ServiceProcess,
  requests: number,
  inFlight: number,
): Promise<Loaded | undefined> {
  const program = programPath('h2load')
  if (program === undefined || !local.providerToken) return undefined
  const { url, keyId, teamId, key } = local.providerToken
  const identity = { keyId, teamId, key: createPrivateKey(readFileSync(key)) }
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-h2load-'))
  try {
    const body = join(folder, 'body.json')
    writeFileSync(body, JSON.stringify({ aps: { alert: 'x' } }))
    const headers = {
      authorization: `bearer ${makeToken(identity, Date.now())}`,
      'apns-topic': local.provider.topic,
      'apns-push-type': 'alert',
    }
    const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
    const counts = ['-n', String(requests), '-c', '1', '-m', String(inFlight), '-d', body]
    const before = usageOf(pid).cpuMs
    const { stdout } = await run(program, [
      ...[...counts, ...given],
      `${url}/3/device/${'ab'.repeat(32)}`,
    ])
    const perSecond = Number(/, ([\d.]+) req\/s/.exec(stdout)?.[1])
    if (!stdout.includes(`${requests} 4xx`) || !perSecond)
      throw new Error(`h2load got other answers than refusals:\n${stdout}`)
    return { perSecond, cpuUs: ((usageOf(pid).cpuMs - before) * 1_000) / requests }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
