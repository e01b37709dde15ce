import type { Emulator, EmulatorOptions } from './emulator.ts'
import { launch } from './launch.ts'

/** LocalStack needs a token since 2026-03-23 and is versioned by calendar; also in docker-compose.yml. */
export const localstackImage = 'localstack/localstack:2026.6.1'

/**
 * Starts LocalStack by Docker on the host's network, so that it, the functions' containers, local/iot
 * and local/gateway reach each other on loopback.
 */
export async function startLocalstack(options: EmulatorOptions): Promise<Emulator> {
  const { port, log } = options
  return launch({
    name: localstackImage,
    url: `http://127.0.0.1:${port}`,
    // the image has to be fetched the first time
    withinMs: 300_000,
    failure:
      'LocalStack does not start: see whether Docker runs and LOCALSTACK_AUTH_TOKEN is valid, or unset it to use MiniStack',
    command: {
      file: 'docker',
      args: dockerArguments(options),
      env: process.env,
      onLine: (line) => log('localstack', line),
    },
  })
}

/** The token goes by name, so that no list of processes shows it. */
function dockerArguments({ port, folder }: Pick<EmulatorOptions, 'port' | 'folder'>): string[] {
  const variables = {
    GATEWAY_LISTEN: `127.0.0.1:${port}`,
    LAMBDA_DOCKER_NETWORK: 'host',
    // the activation function reads the CA of local/iot from the host
    LAMBDA_DOCKER_FLAGS: `-v ${folder}:${folder}:ro`,
    DYNAMODB_REMOVE_EXPIRED_ITEMS: '1',
  }
  return [
    ...['run', '--rm', '--network', 'host', '--env', 'LOCALSTACK_AUTH_TOKEN'],
    ...Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...['--volume', '/var/run/docker.sock:/var/run/docker.sock'],
    localstackImage,
  ]
}
