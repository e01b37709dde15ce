import { readFileSync } from 'node:fs'
import type { SQSEvent } from 'aws-lambda'
import { jsonLog, loggedOutcomes } from '../../aws/log.ts'
import { systemClock as clock, systemIds } from '../../aws/world.ts'
import type { AcceptPorts } from '../../core/accept.ts'
import type { DeliverPorts } from '../../core/deliver.ts'
import { acceptHandler } from '../../lambdas/accept/handler.ts'
import { deliverHandler } from '../../lambdas/deliver/handler.ts'
import type { HttpEvent } from '../../lambdas/http.ts'
import type { Kit } from '../kit.ts'

/**
 * Accept and deliver on ports that answer at once: what the rules, the handlers and the log cost
 * without any client. `BENCH_KIT` names the file with the certificate and the token key.
 */
const kit = JSON.parse(readFileSync(process.env.BENCH_KIT ?? '', 'utf8')) as Kit
const tokenKey = { ...kit.tokenKey, key: Uint8Array.from(Object.values(kit.tokenKey.key)) }
const ring = [tokenKey]
const keys = async () => ring
const log = jsonLog('bench', 'bench')
const outcomes = loggedOutcomes(log)

const acceptPorts: AcceptPorts = {
  clock,
  ids: systemIds(),
  ring: { keys, refreshed: keys },
  authorities: {
    find: async (name) => ({ name, certificate: kit.authorityPem, keyArn: 'arn' }),
  },
  certificates: new Map(),
  providers: {
    find: async (fingerprint) => ({
      fingerprint,
      topics: [kit.topic],
      serial: '07',
      subject: 'UID=com.example.app',
      notBefore: 0,
      notAfter: Number.MAX_SAFE_INTEGER,
      issuedAt: 0,
    }),
  },
  registrations: {
    find: async (deviceId, topic) => ({ deviceId, topic, live: true, registeredAt: 0 }),
  },
  queue: { send: async () => {} },
  outcomes,
  rate: { take: () => true },
  defaultLifetimeSeconds: 86_400,
}

/** Only what an online notification asks for. */
const deliverPorts = {
  clock,
  connections: { send: async () => 'acknowledged' },
  outcomes,
} as unknown as DeliverPorts

const accept = acceptHandler(acceptPorts, log)
const deliver = deliverHandler(deliverPorts, async () => {}, log)

export const handler = (event: HttpEvent | SQSEvent) =>
  'Records' in event ? deliver(event) : accept(event)
