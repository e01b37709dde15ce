import { randomUUID, X509Certificate } from 'node:crypto'
import { type Journal, openJournal } from '../journal.ts'

export type CertificateStatus =
  | 'ACTIVE'
  | 'INACTIVE'
  | 'REVOKED'
  | 'PENDING_TRANSFER'
  | 'PENDING_ACTIVATION'

/** A registered device certificate. Times are milliseconds since the epoch. */
export interface Certificate {
  /** The SHA-256 fingerprint in lower-case hex, as AWS IoT numbers certificates. */
  readonly id: string
  readonly pem: string
  readonly status: CertificateStatus
  readonly createdAt: number
  readonly modifiedAt: number
  readonly notBefore: number
  readonly notAfter: number
  readonly commonName?: string
  /** Counts the updates, from 1. */
  readonly version: number
  /** Names of the policies attached to it. */
  readonly policies: readonly string[]
}

export type Attachment = 'EXCLUSIVE_THING' | 'NON_EXCLUSIVE_THING'

export interface Thing {
  readonly name: string
  readonly id: string
  readonly typeName?: string
  readonly attributes: Readonly<Record<string, string>>
  readonly version: number
  /** How each attached certificate, by id, is attached. */
  readonly certificates: Readonly<Record<string, Attachment>>
}

type Entry =
  | { readonly certificate: Certificate }
  | { readonly thing: Thing }
  | { readonly deletedCertificate: string }
  | { readonly deletedThing: string }

/**
 * The certificates and things of the account. It only stores them; `control-plane.ts` decides what
 * may be stored.
 */
export class Registry {
  readonly #certificates = new Map<string, Certificate>()
  readonly #things = new Map<string, Thing>()
  readonly #thingsOf = new Map<string, Set<string>>()
  readonly #journal: Journal<Entry>
  #revision = 0

  /** Throws one sentence when the state file is damaged. */
  constructor(stateFile: string) {
    this.#journal = openJournal<Entry>({
      file: stateFile,
      replay: (entry) => this.#apply(entry),
      snapshot: () => this.#snapshot(),
    })
  }

  /** Grows with every change; answers derived from the registry are valid while it stays. */
  get revision(): number {
    return this.#revision
  }

  certificate(id: string): Certificate | undefined {
    return this.#certificates.get(id)
  }

  certificates(): Iterable<Certificate> {
    return this.#certificates.values()
  }

  thing(name: string): Thing | undefined {
    return this.#things.get(name)
  }

  things(): Iterable<Thing> {
    return this.#things.values()
  }

  thingsOf(certificateId: string): Thing[] {
    const names = [...(this.#thingsOf.get(certificateId) ?? [])]
    return names.flatMap((name) => this.#things.get(name) ?? [])
  }

  saveCertificate(certificate: Certificate): void {
    this.#change({ certificate })
  }

  saveThing(thing: Thing): void {
    this.#change({ thing })
  }

  deleteCertificate(id: string): void {
    this.#change({ deletedCertificate: id })
  }

  deleteThing(name: string): void {
    this.#change({ deletedThing: name })
  }

  close(): void {
    this.#journal.close()
  }

  #change(entry: Entry): void {
    this.#journal.append(entry)
    this.#apply(entry)
  }

  #apply(entry: Entry): void {
    this.#revision++
    if ('certificate' in entry) this.#certificates.set(entry.certificate.id, entry.certificate)
    else if ('thing' in entry) this.#applyThing(entry.thing)
    else if ('deletedCertificate' in entry) this.#certificates.delete(entry.deletedCertificate)
    else if ('deletedThing' in entry) this.#applyThingGone(entry.deletedThing)
    else throw new Error(`"${Object.keys(entry)}" is no kind of entry.`)
  }

  #applyThing(thing: Thing): void {
    this.#applyThingGone(thing.name)
    this.#things.set(thing.name, thing)
    for (const id of Object.keys(thing.certificates)) {
      const names = this.#thingsOf.get(id) ?? new Set()
      this.#thingsOf.set(id, names.add(thing.name))
    }
  }

  #applyThingGone(name: string): void {
    for (const id of Object.keys(this.#things.get(name)?.certificates ?? {})) {
      const names = this.#thingsOf.get(id)
      names?.delete(name)
      if (names?.size === 0) this.#thingsOf.delete(id)
    }
    this.#things.delete(name)
  }

  *#snapshot(): Iterable<Entry> {
    for (const certificate of this.#certificates.values()) yield { certificate }
    for (const thing of this.#things.values()) yield { thing }
  }
}

/** Reads a PEM certificate for the registry; throws when it is not one. */
export function readCertificate(pem: string, status: CertificateStatus, now: number): Certificate {
  const x509 = new X509Certificate(pem)
  const commonName = /^CN=(.*)$/m.exec(x509.subject ?? '')?.[1]
  return {
    id: certificateIdOf(x509),
    pem,
    status,
    createdAt: now,
    modifiedAt: now,
    notBefore: Date.parse(x509.validFrom),
    notAfter: Date.parse(x509.validTo),
    ...(commonName === undefined ? {} : { commonName }),
    version: 1,
    policies: [],
  }
}

export function certificateIdOf(x509: X509Certificate): string {
  return x509.fingerprint256.replaceAll(':', '').toLowerCase()
}

/** A thing that nothing is attached to yet. */
export function newThing(
  name: string,
  attributes: Readonly<Record<string, string>>,
  typeName: string | undefined,
): Thing {
  return {
    name,
    id: randomUUID(),
    ...(typeName === undefined ? {} : { typeName }),
    attributes,
    version: 1,
    certificates: {},
  }
}
