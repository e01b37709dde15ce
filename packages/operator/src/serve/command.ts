import { type Command, Option } from 'commander'
import type { ServeOptions } from './options.ts'

const serveHelp = `
One process and one folder: the provider API, activation and the devices' MQTT server,
without AWS. Everything listens on loopback until the settings say otherwise
(docs/one-machine.md). SIGTERM ends it when what is under way has come to its end.

Examples:
  heliograph serve --dev --state ./state
  heliograph serve --state /var/lib/heliograph --config /etc/heliograph.json --key-file /etc/heliograph.key`

/** `heliograph serve`; nothing of AWS is loaded for it. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('be the service on this machine, without AWS')
    .option(
      '--state <dir>',
      'the folder for all state',
      process.env.HELIOGRAPH_STATE ?? '.heliograph',
    )
    .option(
      '--port-base <n>',
      'ports N (providers), N+1 (activation), N+2 (devices), N+3 (metrics), N+4 (channels)',
    )
    .option('--config <file>', 'JSON file of settings')
    .option('--key-file <file>', 'the key that encrypts the state folder: 64 hex digits')
    .addOption(
      new Option('--durability <what>', 'what a 200 means').choices([
        'delivered',
        'synced',
        'none',
      ]),
    )
    .option(
      '--dev',
      'make a provider certificate, a provider key and an activation code, and write local.json',
    )
    .addHelpText('after', serveHelp)
    .action(async (options: ServeOptions) => {
      const { serve } = await import('./serve.ts')
      process.exitCode = await serve(options)
    })
}
