import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { readBytes, readText } from '../files.ts'
import { type ClientIdentity, type Edge, withEdge } from '../operations/edge.ts'
import { knownPassphrase } from '../passphrase.ts'
import type { Session } from '../session.ts'
import type { Address } from '../target.ts'

/** Options of every command that speaks to the provider edge as a provider. */
export interface IdentityOptions {
  readonly cert?: string
  readonly key?: string
  readonly p12?: string
  readonly passphraseFile?: string
  readonly url?: string
  readonly ca?: string
}

export function addIdentityOptions(command: Command): Command {
  return command
    .option('--cert <file>', 'provider certificate, PEM (embedded: that of the demo app)')
    .option('--key <file>', 'its key, PEM')
    .option('--p12 <file>', 'certificate and key in one PKCS#12 file')
    .option('--passphrase-file <file>', 'passphrase of the .p12; else asked')
    .option('--url <url>', 'provider edge, where it is not that of the deployment')
    .option('--ca <file>', "CA of the edge's certificate, PEM")
}

/** Works on one connection to the provider edge, with the certificate that the user named. */
export async function asProvider<T>(
  session: Session,
  options: IdentityOptions,
  work: (edge: Edge) => Promise<T>,
): Promise<T> {
  const identity = await identityOf(session, options)
  return withEdge(await addressOf(session, options), identity, work)
}

async function identityOf(session: Session, options: IdentityOptions): Promise<ClientIdentity> {
  const { cert, key, p12, passphraseFile } = options
  if (p12 !== undefined && (cert !== undefined || key !== undefined))
    throw new Failure('usage', 'give either --p12, or --cert and --key')
  if (p12 !== undefined) {
    const pfx = await readBytes(p12, 'PKCS#12 file')
    return { pfx, passphrase: await knownPassphrase(session, p12, passphraseFile) }
  }
  if (cert !== undefined && key !== undefined)
    return { cert: await readText(cert, 'certificate'), key: await readText(key, 'key') }
  const demo = cert === undefined && key === undefined && (await demoOf(session))
  if (demo) return demo
  throw new Failure('usage', 'say who sends: --cert FILE and --key FILE, or --p12 FILE')
}

async function demoOf(session: Session): Promise<ClientIdentity | undefined> {
  if (session.target.target !== 'embedded') return undefined
  return (await session.entrances()).demo?.credentials
}

async function addressOf(session: Session, { url, ca }: IdentityOptions): Promise<Address> {
  const own = url === undefined ? (await session.entrances()).provider : { url: checkUrl(url) }
  return ca === undefined ? own : { ...own, ca: await readText(ca, 'CA') }
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:') return url.origin
  throw new Failure('usage', `--url takes an https address, not "${text}"`)
}
