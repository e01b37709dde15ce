import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalFile } from '../../bin/demo.ts'
import { LOCAL_STAGE } from '../../bin/embedded.ts'
import type { Cloud } from '../../packages/embedded-cloud/src/cloud.ts'
import { jsonLog } from '../../packages/machine/src/log.ts'
import { type Machine, startMachine } from '../../packages/machine/src/machine.ts'
import { type Settings, settingsOf } from '../../packages/machine/src/settings.ts'
import { prepareDevelopment } from '../../packages/operator/src/serve/development.ts'
import { MACHINE_STATE } from '../../tools/conformance/open-operator.ts'
import type { Target, TargetOptions } from './target.ts'

/** As with the local stage: tests flood one device, activate many, and read outcomes in the log. */
const generous: Partial<Settings> = {
  channelRatePerSecond: 0,
  tokenRatePerSecond: 0,
  activationsPerSecond: 1_000,
  activationRequestsPerSecond: 10_000,
  logOutcomes: true,
  receipts: 'all',
}

/** Variables of functions that are settings of a machine; it has no caches whose age the others could set. */
const settingsByVariable: Readonly<Record<string, keyof Settings>> = {
  DEVICE_CERTIFICATE_DAYS: 'deviceCertificateDays',
  TOKEN_RATE_PER_SECOND: 'tokenRatePerSecond',
  PROVIDER_RATE_PER_SECOND: 'providerRatePerSecond',
  ACTIVATIONS_PER_SECOND: 'activationsPerSecond',
  PENDING: 'pending',
}

/** What takes the place of an assembly whose functions read other values of some variables. */
export function machineAssembly(variables: Readonly<Record<string, string>>): string {
  const known = Object.entries(variables).flatMap(([name, value]) =>
    settingsByVariable[name] ? [[settingsByVariable[name], JSON.parse(value)]] : [],
  )
  return JSON.stringify(Object.fromEntries(known))
}

/** `heliograph serve --dev` in this process. What tunes an embedded cloud has no meaning here. */
export async function startMachineTarget({ assembly }: TargetOptions): Promise<Target> {
  const changed = JSON.parse(assembly || '{}') as Partial<Settings>
  const state = mkdtempSync(join(tmpdir(), 'heliograph-e2e-'))
  const logs: string[] = []
  const key = new Uint8Array(randomBytes(32))
  const start = async (ports: Partial<Settings>) => {
    const known = settingsOf({ ...generous, stage: LOCAL_STAGE, ...ports }, 'the test')
    // certificates of two minutes are nothing that an owner could set
    const settings = { ...known, ...changed }
    const log = jsonLog((line) => logs.push(line.trimEnd()))
    const machine = await startMachine({ folder: state, key, settings, log })
    await prepareDevelopment(machine, state)
    return machine
  }
  const anyPorts = {
    providerPort: 0,
    activationPort: 0,
    devicePort: 0,
    metricsPort: 0,
    channelPort: 0,
  }
  let machine = await start(anyPorts)
  const readLocal = () => JSON.parse(readFileSync(join(state, 'local.json'), 'utf8')) as LocalFile
  const target: Target = {
    ...{ kind: 'machine', stage: LOCAL_STAGE, state, logs },
    cloud: cloudOf(machine, state),
    local: readLocal(),
    pendingTexts: () =>
      machine.store.pending
        .expired(Number.MAX_SAFE_INTEGER, 100_000)
        .map((one) => JSON.stringify(one)),
    async restart() {
      const { provider, activation, devices, metrics, channels } = machine.ports
      await machine.close()
      machine = await start({
        ...{ providerPort: provider, activationPort: activation },
        ...{ devicePort: devices, metricsPort: metrics, channelPort: channels },
      })
      target.cloud = cloudOf(machine, state)
      target.local = readLocal()
    },
    async close() {
      await machine.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
  return target
}

/** The machine in the shape of an embedded cloud, as far as it is one. */
function cloudOf({ ports }: Machine, state: string): Cloud {
  const refuse = async () => {
    throw new Error('only an embedded cloud can: list the test in test/machine/skips.ts')
  }
  const url = (port: number) => `https://localhost:${port}`
  const provider = { url: url(ports.provider), port: ports.provider }
  return {
    endpoint: '',
    identity: { accountId: '', region: '' },
    topicsUrl: '',
    caFile: join(state, 'ca.pem'),
    environment: { [MACHINE_STATE]: state },
    mutualTlsApis: [provider],
    apis: [{ url: url(ports.activation), port: ports.activation }],
    mqtt: { url: `mqtts://localhost:${ports.devices}`, port: ports.devices },
    stackOutputs: () => ({}),
    invocations: () => ({}),
    // what new execution environments would read, one process knows at once
    killWorkers: async () => {},
    destroy: refuse,
    close: async () => {},
  } as unknown as Cloud
}
