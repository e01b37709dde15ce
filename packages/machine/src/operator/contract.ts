import type { OperatorPorts } from '@heliograph/core/operator-ports'
import type { MoveProgress } from '../move/machine-move.ts'
import type { HeardEvents } from '../pipeline/event-feed.ts'

/** A server and a command of the same number understand each other. */
export const OPERATOR_PROTOCOL = 1

export type { MoveProgress } from '../move/machine-move.ts'

/** An address that programs use, with the CA that its certificate is checked against. */
export interface MachineEntrance {
  readonly host: string
  readonly port: number
  /** PEM. */
  readonly ca: string
}

/**
 * Notifications that were accepted and have not ended yet, and slots that wait for another attempt.
 */
export interface UnderWay {
  readonly notifications: number
  readonly slots: number
}

/** What a machine says of itself. Times are milliseconds since the epoch, sizes bytes. */
export interface MachineState {
  readonly stage: string
  readonly folder: string
  readonly startedAt: number
  readonly now: number
  readonly format: { readonly version: number; readonly createdAt: number }
  /** Where the owner's key came from; see `KeySource`. */
  readonly keySource: string
  /** Permission bits of the state folder. */
  readonly folderMode: number
  readonly disk: { readonly free: number; readonly total: number }
  readonly databaseBytes: number
  readonly deadLetters: number
  readonly connectedDevices: number
  /** Absent if the server is an earlier version. */
  readonly underWay?: UnderWay
  readonly entrances: Readonly<Record<'provider' | 'activation' | 'devices', MachineEntrance>>
  /** What is wrong with the service, as a sentence. */
  readonly problem?: string
}

/** A dead letter as an operator may see it: never its content. */
export interface MachineDeadLetter {
  readonly messageId: string
  readonly sentAt: number
  readonly about: string
}

/** What exists only on one machine. */
export interface MachineOperations {
  state(): Promise<MachineState>
  deadLetters(limit: number): Promise<readonly MachineDeadLetter[]>
  /**
   * Redrives all dead letters, or this many of them; returns how many. (A server of an earlier
   * version redrives all.)
   */
  redriveDeadLetters(most?: number): Promise<number>
  /** Permanently removes one, or all, or this many of them; returns how many. */
  dropDeadLetters(messageId?: string, most?: number): Promise<number>
  /** Events from this number on, or from now on; waits a while for the first. */
  events(from?: number): Promise<HeardEvents>
  /** Takes nothing more; resolves when what an export holds is final. */
  closeForMove(): Promise<void>
  /** Tells devices where to go, this many of the connected ones per second. */
  announceMove(place: MachineEntrance, perSecond: number): Promise<void>
  /** Serves again. */
  withdrawMove(): Promise<void>
  moveProgress(): Promise<MoveProgress>
}

/** Everything that the operator's command can ask of the server. */
export interface RemotePorts extends OperatorPorts {
  readonly machine: MachineOperations
}

type Methods = {
  readonly [Port in keyof RemotePorts]-?: readonly (keyof NonNullable<RemotePorts[Port]>)[]
}

/** The only methods of a port that can be called from outside. */
export const remoteMethods = {
  authorities: ['find'],
  authorityKeys: ['sign', 'publicKey'],
  otherAuthorities: ['add'],
  tokenKeys: ['list', 'retire', 'open', 'rotate', 'keep'],
  ring: ['keys', 'refreshed'],
  providers: ['save', 'list', 'topics', 'revoke'],
  providerKeys: ['find', 'save', 'list', 'revoke'],
  devices: [
    'find',
    'list',
    'revoke',
    'addCertificate',
    'confirmCertificate',
    'forgetCertificates',
    'beginRenewal',
    'noteImport',
  ],
  admissions: ['admit', 'attached', 'retire'],
  presences: ['find', 'close'],
  activationCodes: ['add'],
  registrations: ['find', 'list', 'reserve', 'change', 'revoke', 'noteExpiry'],
  pending: ['put', 'find', 'list', 'listOf', 'remove'],
  feedback: ['write', 'read'],
  channels: ['all', 'add'],
  broadcasts: ['publish', 'stored'],
  receipts: ['find'],
  stats: ['read'],
  outcomes: ['send'],
  announcements: ['send'],
  machine: [
    'state',
    'deadLetters',
    'redriveDeadLetters',
    'dropDeadLetters',
    'events',
    'closeForMove',
    'announceMove',
    'withdrawMove',
    'moveProgress',
  ],
} as const satisfies Methods

/** The methods of ports that change nothing, and those of the machine, which know themselves what they may do. */
const harmless: readonly string[] = [
  'find',
  'list',
  'all',
  'stored',
  'topics',
  'open',
  'keys',
  'refreshed',
  'publicKey',
]
const harmlessPorts: readonly string[] = ['machine', 'presences', 'stats', 'receipts']

/** Whether a call may change what an export holds. */
export function mayChange(port: string, method: string): boolean {
  const isRead = harmless.includes(method) || (port === 'feedback' && method === 'read')
  return !isRead && !harmlessPorts.includes(port) && method !== 'attached'
}

const BYTES = '$bytes'
const ABSENT = '$absent'

/** Values as JSON: bytes as base64; undefined values in a list are kept. */
export function encode(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, converted) {
    // a Buffer has already become a plain object here
    const given = this[key]
    if (given instanceof Uint8Array) return { [BYTES]: Buffer.from(given).toString('base64') }
    if (given === undefined && Array.isArray(this)) return { [ABSENT]: true }
    return converted
  })
}

/** @throws SyntaxError if it is not JSON. */
export function decode(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value
    if (BYTES in value && typeof value[BYTES] === 'string')
      return new Uint8Array(Buffer.from(value[BYTES], 'base64'))
    return value
  })
}

/** The arguments of a call; JSON.parse would leave holes out. */
export function decodeArguments(text: string): unknown[] {
  const value = decode(text)
  if (!Array.isArray(value)) throw new SyntaxError('the arguments of a call are a list')
  return value.map((one: unknown) =>
    typeof one === 'object' && one !== null && ABSENT in one ? undefined : one,
  )
}
