import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DeviceToken, Topic } from '@heliograph/protocol/identifiers'
import { APPLE_HOST, appleHost } from './clients.ts'
import { npmPackages, type Recipe } from './tools.ts'

/**
 * The npm package apns2 with its own test suite. Of the versions in the registry, 9.3.0 is the newest that has its tests
 * inside. The later ones are in its repository only: `checkoutCommand`.
 */
export const ownSuite: Recipe = {
  name: 'apns2-9.3.0-suite',
  needs: [['npm', '--version']],
  programs: [APPLE_HOST],
  install: npmPackages('apns2@9.3.0', 'mocha@8.2.0', 'should@13.2.3'),
}

/** As the suite has them written down, in every version: its author's, in whose place a key of the stage stands. */
export const author = {
  ...{ team: 'TFLP87PW54', keyId: '7U6GT5Q49J' },
  topic: 'com.tablelist.Tablelist' as Topic,
} as const

export interface SuiteOrder {
  /** Of the edge that takes tokens. */
  readonly port: number
  readonly ca: string
  /** Path of the author's `.p8`. */
  readonly key: string
  readonly token: DeviceToken
}

/** What the suite reads from its environment, and what leads it here. */
export function suiteEnvironment(folder: string, { port, ca, key, token }: SuiteOrder) {
  return {
    ...appleHost(folder, port, ca),
    APNS_SIGNING_KEY: readFileSync(key, 'utf8'),
    APNS_PUSH_TOKEN: token,
  }
}

/** As `npm test` of the package does, without the two tests of its HTTP/2 client that ask www.google.com. */
export const suiteCommand = [
  ...[process.execPath, join('node_modules', 'mocha', 'bin', 'mocha')],
  ...['--exit', '--bail', '--slow', '1000', '--timeout', '5000', '--fgrep', 'apns signing token'],
  join('node_modules', 'apns2', 'test', 'test.js'),
]

/** As `npm test` of version 12 in a checkout of its repository whose packages are installed. */
export const checkoutCommand = [
  ...[process.execPath, join('node_modules', 'vitest', 'vitest.mjs')],
  ...['--run', '--dir', 'test', '--reporter', 'verbose'],
]
