import { basename } from 'node:path'
import { systemClock } from '@heliograph/aws/world'
import type { Command } from 'commander'
import type { NewView } from '../console/credentials.ts'
import { Failure } from '../failure.ts'
import { isForOthers, readBytes, readText } from '../files.ts'
import { type Edge, type ProviderIdentity, withEdge } from '../operations/edge.ts'
import { checkKeyId, checkTeamId } from '../operations/provider-keys.ts'
import { providerTokens } from '../operations/provider-token.ts'
import { knownPassphrase } from '../passphrase.ts'
import type { Session } from '../session.ts'
import type { Address } from '../target.ts'

/** Options of every command that speaks to the provider edge as a provider. */
export interface IdentityOptions {
  readonly cert?: string
  readonly key?: string
  readonly p12?: string
  readonly passphraseFile?: string
  readonly keyId?: string
  readonly teamId?: string
  readonly url?: string
  readonly ca?: string
}

export function addIdentityOptions(command: Command): Command {
  return addCredentialOptions(command)
    .option('--url <url>', 'provider edge, if it is not that of the deployment')
    .option('--ca <file>', "CA of the edge's certificate, PEM")
}

/** Those that say who it is, and not where. */
export function addCredentialOptions(command: Command): Command {
  return command
    .option('--cert <file>', 'provider certificate, PEM (embedded: that of the demo app)')
    .option('--key <file>', 'its key, PEM; with --team-id a provider key, AuthKey_<key id>.p8')
    .option('--p12 <file>', 'certificate and key in one PKCS#12 file')
    .option('--passphrase-file <file>', 'passphrase of the .p12; prompted for if absent')
    .option('--team-id <id>', 'send with provider tokens of this team')
    .option('--key-id <id>', 'id of the provider key (default: from the name of its file)')
}

/** Whether the user named a credential, or a place that the demo app's is not for. */
function namesProvider(options: IdentityOptions): boolean {
  const { cert, key, p12, keyId, teamId, url } = options
  return [cert, key, p12, keyId, teamId, url].some((value) => value !== undefined)
}

/** Where a provider connects, and with which credential. */
export interface Provider {
  readonly address: Address
  readonly identity: ProviderIdentity
}

/** The provider that the user named. */
export async function providerOf(session: Session, options: IdentityOptions): Promise<Provider> {
  const identity = await identityOf(session, options)
  return { identity, address: await addressOf(session, options, 'authorization' in identity) }
}

/** Works on one connection to the provider edge, with the credential that the user named. */
export async function asProvider<T>(
  session: Session,
  options: IdentityOptions,
  work: (edge: Edge) => Promise<T>,
): Promise<T> {
  const { address, identity } = await providerOf(session, options)
  return withEdge(address, identity, work)
}

/** The credential that the user named, and what a person calls it; undefined where none was named. */
export async function credentialOf(
  session: Session,
  options: IdentityOptions,
): Promise<readonly [NewView, ProviderIdentity] | undefined> {
  if (!namesProvider(options)) return undefined
  const identity = await identityOf(session, options)
  const label = basename(options.p12 ?? options.cert ?? options.key ?? '')
  const kind = 'authorization' in identity ? 'key' : 'certificate'
  return [{ label, kind, from: 'command' }, identity]
}

async function identityOf(session: Session, options: IdentityOptions): Promise<ProviderIdentity> {
  const { cert, key, p12, passphraseFile } = options
  if (p12 !== undefined && (cert !== undefined || key !== undefined))
    throw new Failure('usage', 'give either --p12, or --cert and --key')
  if (options.teamId !== undefined || options.keyId !== undefined) return tokensOf(session, options)
  if (p12 !== undefined) {
    const pfx = await readBytes(p12, 'PKCS#12 file')
    return { pfx, passphrase: await knownPassphrase(session, p12, passphraseFile) }
  }
  if (cert !== undefined && key !== undefined)
    return { cert: await readText(cert, 'certificate'), key: await readText(key, 'key') }
  const demo = cert === undefined && key === undefined && (await demoOf(session))
  if (demo) return demo
  throw new Failure(
    'usage',
    'say who is sending: --cert FILE and --key FILE, or --p12 FILE, or --key AuthKey_….p8 and --team-id ID',
  )
}

async function tokensOf({ terminal }: Session, { cert, p12, key, keyId, teamId }: IdentityOptions) {
  if (cert !== undefined || p12 !== undefined)
    throw new Failure('usage', 'a provider token replaces --cert and --p12: give only one of them')
  if (key === undefined || teamId === undefined)
    throw new Failure('usage', 'a provider token needs --key AuthKey_….p8 and --team-id ID')
  const named = keyId ?? /AuthKey_([A-Z0-9]{10})\.p8$/.exec(key)?.[1]
  if (named === undefined)
    throw new Failure('usage', `the name of ${key} does not contain its key id: add --key-id ID`)
  const ids = { keyId: checkKeyId(named), teamId: checkTeamId(teamId) }
  if (isForOthers(key))
    terminal.note(
      `warning: other users of this machine can read ${key}, and send with it: chmod 600, and revoke it if they may have`,
    )
  return providerTokens({ ...ids, p8: await readText(key, 'provider key') }, systemClock.now)
}

/** The demo app's topic, where its credential is the one that is used. */
export async function demoTopic(
  session: Session,
  options: IdentityOptions,
): Promise<string | undefined> {
  if (namesProvider(options) || session.target.target !== 'embedded') return undefined
  return (await session.entrances()).demo?.topic
}

async function demoOf(session: Session): Promise<ProviderIdentity | undefined> {
  if (session.target.target !== 'embedded') return undefined
  return (await session.entrances()).demo?.credentials
}

async function addressOf(
  session: Session,
  { url, ca }: IdentityOptions,
  byToken: boolean,
): Promise<Address> {
  const own = url === undefined ? await ownAddress(session, byToken) : { url: checkUrl(url) }
  return ca === undefined ? own : { ...own, ca: await readText(ca, 'CA') }
}

async function ownAddress(session: Session, byToken: boolean): Promise<Address> {
  const { provider, tokens } = await session.entrances()
  if (!byToken) return provider
  if (tokens) return tokens
  throw new Failure(
    'notFound',
    'this stage takes no provider tokens: send with a certificate, or deploy it with -c tokenDomain=…',
  )
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:') return url.origin
  throw new Failure('usage', `--url takes an https address, not "${text}"`)
}
