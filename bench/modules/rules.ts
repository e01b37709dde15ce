import { readFileSync } from 'node:fs'
import { jsonLog, loggedOutcomes } from '@heliograph/aws/log'
import { systemClock as clock, systemIds } from '@heliograph/aws/world'
import { genuineBy } from '@heliograph/core/delivery/seal'
import type { AcceptPorts } from '@heliograph/core/send/accept-ports'
import { tokenTrust } from '@heliograph/core/trust/token-trust'
import type { SQSEvent } from 'aws-lambda'
import { acceptHandler } from '../../lambdas/accept/handler.ts'
import { type DeliverHandlerPorts, deliverHandler } from '../../lambdas/deliver/handler.ts'
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
  tokens: tokenTrust({ clock, keys: { find: async () => undefined } }),
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
    findAll: async (keys) => keys.map((key) => ({ ...key, live: true, registeredAt: 0 })),
  },
  queue: {
    send: async () => {},
    sendMulticasts: async (multicasts) =>
      new Set(multicasts.flat().map(({ notification }) => notification)),
  },
  outcomes,
  providerRate: { take: () => true },
  rate: { take: () => true },
  defaultLifetimeSeconds: 86_400,
  pendingRules: {},
}

/** Only what an online notification needs. */
const deliverPorts = {
  clock,
  connections: { send: async () => 'acknowledged', tell: async () => 'told' },
  outcomes,
  isGenuine: genuineBy(acceptPorts.ring, clock, 0),
} as unknown as DeliverHandlerPorts

const accept = acceptHandler(acceptPorts, log)
const deliver = deliverHandler(deliverPorts, async () => {}, log)

export const handler = (event: HttpEvent | SQSEvent) =>
  'Records' in event ? deliver(event) : accept(event)
