import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Topic } from '@heliograph/protocol/identifiers'
import {
  goModule,
  mavenArtifact,
  npmPackages,
  python,
  pythonPackage,
  type Recipe,
} from './tools.ts'

/** What a program is to send, and where to. */
export interface Order {
  readonly host: string
  readonly port: number
  /** Path of the edge's CA, PEM. */
  readonly ca: string
  /** Path of the `.p8`. */
  readonly key: string
  readonly keyId: string
  readonly teamId: string
  readonly topic: Topic
  /** One notification each, all at once. */
  readonly tokens: readonly string[]
}

/** An APNs client library, as its registry has it, and a program of ours that sends with it. */
export interface Client extends Recipe {
  /** The command that sends in the folder; it prints a line of JSON (`Sent`) at the end. */
  send(folder: string, order: Order): readonly string[]
  /** Variables that the command needs. */
  readonly environment?: (folder: string, order: Order) => Readonly<Record<string, string>>
}

const npmNeeds = [['npm', '--version']] as const

/** Preloaded by Node, it leads Apple's host name to the edge that the variables name. */
export const APPLE_HOST = 'apple-host.cjs'

/** Variables for `APPLE_HOST`. */
export function appleHost(folder: string, port: number, ca: string): Record<string, string> {
  return {
    NODE_OPTIONS: `--require ${join(folder, APPLE_HOST)}`,
    APPLE_HOST_PORT: String(port),
    APPLE_HOST_CA: ca,
  }
}

export const clients: readonly Client[] = [
  {
    name: 'node-apn-8.1.0',
    needs: npmNeeds,
    programs: ['order.mjs', 'node-apn.mjs'],
    install: npmPackages('@parse/node-apn@8.1.0'),
    send: (folder, order) => [process.execPath, 'node-apn.mjs', jsonOrder(folder, order)],
  },
  {
    name: 'apns2-12.2.0',
    needs: npmNeeds,
    programs: ['order.mjs', 'apns2.mjs', APPLE_HOST],
    install: npmPackages('apns2@12.2.0'),
    send: (folder, order) => [process.execPath, 'apns2.mjs', jsonOrder(folder, order)],
    // it has options for neither a port nor a CA
    environment: (folder, { port, ca }) => appleHost(folder, port, ca),
  },
  {
    name: 'sideshow-apns2-0.25.0',
    needs: [['go', 'version']],
    programs: ['sideshow.go'],
    install: goModule('github.com/sideshow/apns2', 'v0.25.0'),
    send: (folder, order) => ['go', 'run', '-mod=mod', 'sideshow.go', jsonOrder(folder, order)],
  },
  {
    name: 'pushy-0.15.4',
    needs: [
      ['java', '-version'],
      ['mvn', '--version'],
    ],
    programs: ['Pushy.java'],
    install: mavenArtifact('com.eatthepath', 'pushy', '0.15.4'),
    send: (folder, order) => ['java', '-cp', 'lib/*', 'Pushy.java', propertiesOrder(folder, order)],
  },
  {
    name: 'aioapns-4.0',
    needs: [[python, '--version']],
    programs: ['aioapns_many.py'],
    install: pythonPackage('aioapns==4.0'),
    send: (folder, order) => ['venv/bin/python', 'aioapns_many.py', jsonOrder(folder, order)],
  },
]

function jsonOrder(folder: string, order: Order): string {
  return written(join(folder, 'order.json'), JSON.stringify(order))
}

function propertiesOrder(folder: string, order: Order): string {
  const lines = Object.entries(order).map(([name, value]) => `${name}=${value}`)
  return written(join(folder, 'order.properties'), lines.join('\n'))
}

function written(path: string, text: string): string {
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** What a program prints: how often each answer came, by status and reason, and how long all of them took. */
export interface Sent {
  readonly answers: Readonly<Record<string, number>>
  readonly milliseconds: number
}

/** Reads the last line of a program's output. */
export function readSent(lines: readonly string[]): Sent {
  const last = lines.findLast((line) => line.startsWith('{')) ?? ''
  return JSON.parse(last) as Sent
}
