import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseTopic } from '@heliograph/protocol/identifiers'
import { MAX_LIFETIME_SECONDS, MAX_PER_COLLAPSE_ID } from '@heliograph/protocol/limits'
import {
  type EventLevel,
  eventLevels,
  type ReceiptLevel,
  receiptLevels,
} from '@heliograph/protocol/outcome'
import { isPendingRule, type PendingRules } from '@heliograph/protocol/pending-rule'
import { MachineError } from './failure.ts'
import { type Durability, durabilities } from './pipeline/pipeline.ts'

/** The settings of a machine and their defaults. docs/one-machine.md explains each. */
export interface Settings {
  /** Part of the topics that devices publish to; choose the stage's name on AWS if devices may move there. */
  readonly stage: string
  /** Host name that providers and devices connect to. */
  readonly host: string
  /** Address that the servers listen on, but for the metrics. */
  readonly address: string
  readonly providerPort: number
  readonly activationPort: number
  readonly devicePort: number
  /** For the management of channels; both ports of providers answer everything. */
  readonly channelPort: number
  readonly metricsAddress: string
  /** 0: any free port. */
  readonly metricsPort: number
  /**
   * PEM files with the machine's certificate: all three, or none to use one from the machine's own
   * CA.
   */
  readonly tlsCertificate: string | undefined
  readonly tlsKey: string | undefined
  /** What devices check the certificate against. */
  readonly tlsAuthority: string | undefined
  readonly durability: Durability
  readonly defaultLifetimeSeconds: number
  readonly deliverPatienceSeconds: number
  readonly deviceCertificateDays: number
  /** Notifications a second of one provider credential; 0: no limit. */
  readonly providerRatePerSecond: number
  /** Requests about channels a second, broadcasts included, of one provider credential; 0: no limit. */
  readonly channelRatePerSecond: number
  /** Notifications a second of one device token; 0: no limit. */
  readonly tokenRatePerSecond: number
  readonly activationsPerSecond: number
  readonly activationRequestsPerSecond: number
  readonly mostDevices: number
  readonly mostProviderConnections: number
  readonly mostNotificationsUnderWay: number
  /** The topics of which more than the newest notification waits for a device. */
  readonly pending: PendingRules
  /** Which outcomes are kept for providers to ask for, and for 7 days. */
  readonly receipts: ReceiptLevel
  /** Which events `heliograph events listen` prints. */
  readonly events: EventLevel
  /** Whether every event in the life of a notification is logged. */
  readonly logOutcomes: boolean
}

export const defaultSettings: Settings = {
  stage: 'machine',
  host: 'localhost',
  address: '127.0.0.1',
  providerPort: 2197,
  activationPort: 2198,
  devicePort: 8883,
  channelPort: 2196,
  metricsAddress: '127.0.0.1',
  metricsPort: 2199,
  tlsCertificate: undefined,
  tlsKey: undefined,
  tlsAuthority: undefined,
  durability: 'delivered',
  defaultLifetimeSeconds: MAX_LIFETIME_SECONDS,
  // a phone whose radio has to wake up first answers within a second
  deliverPatienceSeconds: 1,
  deviceCertificateDays: 825,
  providerRatePerSecond: 0,
  channelRatePerSecond: 10,
  // nobody reads ten a second for long, and the burst is a hundred
  tokenRatePerSecond: 10,
  activationsPerSecond: 50,
  activationRequestsPerSecond: 200,
  mostDevices: 12_000,
  mostProviderConnections: 2_000,
  mostNotificationsUnderWay: 10_000,
  pending: {},
  receipts: 'all',
  events: 'all',
  logOutcomes: false,
}

type Check = (value: unknown) => string | undefined

const whole =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most
      ? undefined
      : `is a whole number from ${least} to ${most}`

const text: Check = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'is a text that is not empty'

const port = whole(0, 65_535)

const oneOf =
  (values: readonly string[]): Check =>
  (value) =>
    values.some((one) => one === value) ? undefined : `is one of ${values.join(', ')}`

function pendingFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'is an object with a rule for each topic that differs'
  for (const [topic, rule] of Object.entries(value)) {
    if (!parseTopic(topic)) return `names "${topic}", which is not a bundle id`
    if (!isPendingRule(rule))
      return `of ${topic} is "newest", or {"perCollapseId": n} with n from 1 to ${MAX_PER_COLLAPSE_ID}`
  }
  return undefined
}

/** What each setting must be, as text that completes "… is". */
const checks: Readonly<Record<keyof Settings, Check>> = {
  stage: (value) =>
    typeof value === 'string' && /^[a-z][a-z0-9]{0,15}$/.test(value)
      ? undefined
      : 'is 1 to 16 lower-case letters and digits, a letter first',
  host: text,
  address: text,
  providerPort: port,
  activationPort: port,
  devicePort: port,
  channelPort: port,
  metricsAddress: text,
  metricsPort: port,
  tlsCertificate: text,
  tlsKey: text,
  tlsAuthority: text,
  durability: oneOf(durabilities),
  defaultLifetimeSeconds: whole(1, MAX_LIFETIME_SECONDS),
  deliverPatienceSeconds: whole(1, 4),
  deviceCertificateDays: whole(1, 3_650),
  providerRatePerSecond: whole(0, 1_000_000),
  channelRatePerSecond: whole(0, 1_000_000),
  tokenRatePerSecond: whole(0, 1_000_000),
  activationsPerSecond: whole(1, 10_000),
  activationRequestsPerSecond: whole(1, 100_000),
  mostDevices: whole(1, 1_000_000),
  mostProviderConnections: whole(1, 100_000),
  mostNotificationsUnderWay: whole(1, 1_000_000),
  pending: (value) => pendingFault(value),
  receipts: oneOf(receiptLevels),
  events: oneOf(eventLevels),
  logOutcomes: (value) => (typeof value === 'boolean' ? undefined : 'is true or false'),
}

const files = ['tlsCertificate', 'tlsKey', 'tlsAuthority'] as const

/**
 * The settings: the defaults, with the given values.
 *
 * @throws MachineError that names the first unknown or invalid setting.
 */
export function settingsOf(given: Readonly<Record<string, unknown>>, source: string): Settings {
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, name) ? checks[name as keyof Settings] : undefined
    if (!check)
      throw new MachineError(
        `${source}: there is no setting ${JSON.stringify(name)}; the settings are ${Object.keys(checks).join(', ')}`,
      )
    const problem = check(value)
    if (problem) throw new MachineError(`${source}: ${name} ${problem}`)
  }
  const settings = { ...defaultSettings, ...given } as Settings
  const set = files.filter((name) => settings[name] !== undefined)
  if (set.length > 0 && set.length < files.length)
    throw new MachineError(
      `${source}: set all of ${files.join(', ')}, or none for a certificate of the machine's own CA`,
    )
  return settings
}

/** Reads a JSON file of settings; paths in it are relative to the file. */
export function readSettings(path: string): Readonly<Record<string, unknown>> {
  const value = parse(path)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MachineError(`${path} is not a JSON object of settings`)
  const folder = dirname(resolve(path))
  const absolute = Object.entries(value).map(([name, one]) =>
    files.some((file) => file === name) && typeof one === 'string'
      ? [name, resolve(folder, one)]
      : [name, one],
  )
  return Object.fromEntries(absolute)
}

function parse(path: string): unknown {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException
    throw new MachineError(`the settings ${path} cannot be read: ${code}`, { cause: fault })
  }
  try {
    return JSON.parse(content)
  } catch (fault) {
    throw new MachineError(`${path} is not JSON: ${(fault as Error).message}`, { cause: fault })
  }
}

/** Ports N to N+4, in the order of `npm start`, where N+3 is that of provider tokens. */
export function portsFrom(base: number): Partial<Settings> {
  return {
    providerPort: base,
    activationPort: base + 1,
    devicePort: base + 2,
    metricsPort: base + 3,
    channelPort: base + 4,
  }
}
