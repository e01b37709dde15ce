import type { CloudIdentity, Functions, Log, PolicyDocument, ServerTls, Service } from '../types.ts'
import { Authority } from './authority.ts'
import { type Broker, startBroker } from './broker.ts'
import { Connections } from './connections.ts'
import { Departures } from './control-plane/departures.ts'
import type { ControlPlane } from './control-plane/directory.ts'
import { controlPlaneOperations } from './control-plane/operations.ts'
import { deletePolicy } from './control-plane/policies.ts'
import { dataPlaneOperations } from './data-plane.ts'
import { openDoor } from './door.ts'
import { limits } from './limits.ts'
import type { PresenceEvent } from './presence.ts'
import { Registry } from './registry.ts'
import { restService } from './rest.ts'
import { RetainedMessages } from './retained.ts'
import { RulesEngine } from './rules/engine.ts'

export interface IotOptions {
  readonly identity: CloudIdentity
  readonly tls: ServerTls
  readonly host: '127.0.0.1'
  /** 0 takes any free port. */
  readonly mqttPort: number
  /** Certificates, things and attachments, as JSON lines; made with mode 0600. */
  readonly stateFile: string
  /** Retained messages, as JSON lines; made with mode 0600. */
  readonly retainedFile: string
  readonly functions: Functions
  sendToQueue(queueUrlOrArn: string, body: string): Promise<void>
  /** Whether a function's resource policy allows the rule to invoke it. */
  permits(functionArn: string, principal: 'iot.amazonaws.com', sourceArn: string): boolean
  readonly log: Log
  /**
   * Leaves a device's CONNECT unanswered until `admitDevices` is called, so that a device that comes back right
   * after a restart meets the policies and rules of the templates and not their absence.
   */
  readonly holdDevices?: boolean
  /** In and out, per connection: 100 as in AWS unless told; Infinity switches the limit off. */
  readonly messagesPerSecond?: number
  /**
   * Milliseconds for which something that was detached still counts as attached when it is deleted;
   * default 0.
   */
  readonly detachLagMs?: number
  /** Devices that publish wait while it is true. */
  readonly isBusy?: () => boolean
  /** Milliseconds of each second that a direct message waits for its acknowledgement; 1,000 unless told. */
  readonly confirmationSecondMs?: number
  /** 30 to 1,200 s as in AWS unless told; a keep-alive outside is moved to the nearer end. */
  readonly keepAliveSeconds?: { readonly least: number; readonly most: number }
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** AWS IoT Core: an MQTT broker for devices, the two REST APIs, and topic rules. */
export interface Iot {
  /** Signing names `iot` (control plane) and `iotdata` (data plane). */
  readonly services: readonly Service[]
  readonly host: string
  readonly port: number
  /** Creates or replaces an IoT policy; throws one sentence when it cannot be enforced here. */
  putPolicy(name: string, document: PolicyDocument): void
  /** Throws DeleteConflictException while a certificate has the policy. */
  deletePolicy(name: string): void
  /** Creates or replaces a rule from its TopicRulePayload; throws one sentence when it cannot be run here. */
  putTopicRule(name: string, payload: unknown): void
  deleteTopicRule(name: string): void
  /** Answers devices from now on; see `holdDevices`. */
  admitDevices(): void
  /** Disconnects all devices, silently, and lets running rule actions finish. */
  close(): Promise<void>
}

/** Starts IoT Core on loopback. Throws one sentence when the port is taken or the state file is damaged. */
export async function startIot(options: IotOptions): Promise<Iot> {
  const parts = await startParts(options)
  const door = await openDoor({
    ...options,
    port: options.mqttPort,
    registry: parts.registry,
    now: parts.now,
    admit: (socket, certificate) => parts.broker.serve(socket, certificate),
  }).catch(async (error) => {
    await closeParts(parts)
    throw error
  })
  const { authority, rules } = parts
  // A name rather than an address, so that devices send SNI, as AWS requires.
  const plane = controlPlaneOf(parts, `localhost:${door.port}`, options)
  return {
    services: servicesOf(parts, plane, options),
    host: options.host,
    port: door.port,
    putPolicy: (name, document) => authority.putPolicy(name, document),
    deletePolicy: (name) => deletePolicy(plane, name),
    putTopicRule: (name, payload) => rules.put(name, payload),
    deleteTopicRule: (name) => rules.delete(name),
    admitDevices: parts.admission.open,
    async close() {
      parts.silence()
      await disconnectAll(parts)
      await door.close()
      await closeParts(parts)
    },
  }
}

interface Parts {
  readonly registry: Registry
  readonly retained: RetainedMessages
  readonly authority: Authority
  readonly rules: RulesEngine
  readonly connections: Connections
  readonly broker: Broker
  readonly admission: Admission
  readonly now: () => number
  /** Ends the lifecycle events, when the service itself goes. */
  silence(): void
}

async function startParts(options: IotOptions): Promise<Parts> {
  const now = options.now ?? Date.now
  const registry = new Registry(options.stateFile)
  const authority = new Authority(options.identity, registry)
  const rules = new RulesEngine({ ...options, now })
  const admission = admissionOf(options.holdDevices ?? false)
  let silent = false
  const announce = (event: PresenceEvent) => {
    if (silent || /[+#]/.test(event.topic)) return
    rules.accept(event)
    broker.publish({ ...event, qos: 1 })
  }
  const connections = new Connections({ announce, now })
  const retained = new RetainedMessages(options.retainedFile, now)
  const broker: Broker = await startBroker({
    authority,
    registry,
    connections,
    retained,
    messagesPerSecond: options.messagesPerSecond ?? limits.messagesPerSecond,
    keepAliveSeconds: options.keepAliveSeconds ?? limits.keepAliveSeconds,
    admitting: admission.admitting,
    isBusy: options.isBusy ?? (() => false),
    log: options.log,
    now,
    accept: (message) => rules.accept(message),
    announce,
  })
  const silence = () => {
    silent = true
  }
  return { registry, retained, authority, rules, connections, broker, admission, now, silence }
}

function controlPlaneOf(
  { registry, authority, connections, broker, now }: Parts,
  address: string,
  { identity, detachLagMs = 0 }: IotOptions,
): ControlPlane {
  const expel = (certificateId: string) => {
    for (const session of connections.sessions()) {
      if (session.facts.principal.certificateId === certificateId)
        void broker.disconnect(session, 'FORBIDDEN_ACCESS')
    }
  }
  const departures = new Departures(detachLagMs, now)
  const { accountId } = identity
  return { registry, authority, departures, accountId, address, now, expel }
}

function servicesOf(
  { authority, connections, broker, retained, rules, now }: Parts,
  plane: ControlPlane,
  { log, confirmationSecondMs = 1_000 }: IotOptions,
): Service[] {
  const data = { connections, authority, broker, retained, rules, now, confirmationSecondMs }
  return [
    restService({
      signingName: 'iot',
      denial: 'AccessDeniedException',
      operations: controlPlaneOperations(plane),
      log,
    }),
    restService({
      signingName: 'iotdata',
      denial: 'ForbiddenException',
      operations: dataPlaneOperations(data),
      log,
    }),
  ]
}

async function disconnectAll({ connections, broker }: Parts): Promise<void> {
  const sessions = [...connections.sessions()]
  await Promise.all(
    sessions.map((session) => broker.disconnect(session, 'SERVER_INITIATED_DISCONNECT')),
  )
}

async function closeParts({ rules, broker, registry, retained }: Parts): Promise<void> {
  await rules.idle()
  await broker.close()
  registry.close()
  retained.close()
}

interface Admission {
  readonly admitting: Promise<void>
  open(): void
}

function admissionOf(hold: boolean): Admission {
  let open = () => {}
  const admitting = new Promise<void>((resolve) => {
    open = resolve
  })
  if (!hold) open()
  return { admitting, open: () => open() }
}
