import { generateKeyPairSync } from 'node:crypto'
import type { ProviderKey } from '@heliograph/core/ports'
import { type TokenTrust, tokenTrust } from '@heliograph/core/trust/token-trust'
import { parseProviderKeyId, parseTeamId, parseTopic } from '@heliograph/protocol/identifiers'
import { makeToken, type TokenIdentity } from '../tools/conformance/bearer.ts'
import { rounds } from './figures.ts'
import type { Row } from './report.ts'

/** Tokens of a round; beyond it a network would meet the limit of new ones. */
const TOKENS = 150
const REPEATS = 100

interface Kit {
  readonly identity: TokenIdentity
  readonly key: ProviderKey
}

function makeKit(): Kit {
  const { publicKey: spki, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKey = spki.export({ type: 'spki', format: 'der' }).toString('base64')
  const [keyId, teamId] = [parseProviderKeyId('ABC123DEFG'), parseTeamId('DEF123GHIJ')]
  const topic = parseTopic('com.example.app')
  if (!keyId || !teamId || !topic) throw new Error('the kit has no identifiers')
  const key = { keyId, teamId, topics: [topic], publicKey, createdAt: 0 }
  return { identity: { keyId, teamId, key: privateKey }, key }
}

/** Processor time of a provider token: seen first by an environment, new there, seen again, and forged. */
export async function benchTokens(options: { readonly rounds: number }): Promise<Row[]> {
  const kit = makeKit()
  const measured = { first: [], fresh: [], again: [], forged: [] } as Record<string, number[]>
  // the first round warms up
  for (let round = 0; round <= options.rounds; round += 1) {
    const figures = await oneRound(kit)
    if (round === 0) continue
    for (const [name, value] of Object.entries(figures)) measured[name]?.push(value)
  }
  const row = (what: string, name: string): Row => ({
    what,
    figures: { 'CPU us': rounds(measured[name] ?? []) },
  })
  return [
    row('the first token of a key in an environment', 'first'),
    row('another new token of the key', 'fresh'),
    row('a token that was seen', 'again'),
    row('a forged token, its key known', 'forged'),
  ]
}

async function oneRound(kit: Kit): Promise<Record<string, number>> {
  const nowMs = Date.now()
  const open = () =>
    tokenTrust({ clock: { now: () => nowMs }, keys: { find: async () => kit.key } })
  const tokens = Array.from({ length: TOKENS }, (_, n) => {
    const claims = { iat: Math.floor(nowMs / 1_000) - n }
    return `bearer ${makeToken(kit.identity, nowMs, { claims })}`
  })
  const forged = tokens.map((token) => `${token.slice(0, -8)}AAAAAAAA`)
  const trust = open()
  return {
    first: await each(tokens, (token) => judge(open(), token)),
    fresh: await each(tokens, (token) => judge(trust, token)),
    again: (await each(tokens, (token) => judgeOften(trust, token))) / REPEATS,
    forged: await each(forged, (token) => judge(trust, token, '192.0.2.2')),
  }
}

/** From another address where the limit of the first is used up. */
async function judge(trust: TokenTrust, token: string, address = '192.0.2.1'): Promise<void> {
  await trust.judge(token, address)
}

async function judgeOften(trust: TokenTrust, token: string): Promise<void> {
  for (let n = 0; n < REPEATS; n += 1) await trust.judge(token, '192.0.2.1')
}

/** Microseconds of processor time for one. */
async function each(
  tokens: readonly string[],
  work: (token: string) => Promise<void>,
): Promise<number> {
  const before = process.cpuUsage()
  for (const token of tokens) await work(token)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / tokens.length
}
