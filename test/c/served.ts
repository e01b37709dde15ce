/**
 * Runs the README's program and the example of clients/c, which were built in the given folder, against
 * `heliograph serve`.
 */
import { join } from 'node:path'
import { LiveService } from '../../tools/device-conformance/service/live-service.ts'
import { isServed, start } from '../sdk/program.ts'

const cwd = process.argv[2] ?? '.'
const service = await LiveService.start()
const { url, code, ca } = service.local.activation

async function serve(name: string, args: string[], whenTold: number | null): Promise<void> {
  const env = {
    ...{ ...process.env, SSL_CERT_FILE: ca, ACTIVATION_URL: url, ACTIVATION_CODE: code },
    STATE_DIRECTORY: join(cwd, `${name}-state`),
  }
  const program = start(join(cwd, name), args, { cwd, env })
  await isServed(service, program, whenTold).finally(() => program.child.kill('SIGKILL'))
}

try {
  await serve('program', [], null)
  console.log('the program of the README: activated, registered, notified')
  const about = ['--url', url, '--code', code, '--ca', ca, '--topic', service.topic]
  const work = ['--directory', join(cwd, 'pushd-state'), '--run', 'cat; echo']
  await serve('pushd', [...about, ...work], 0)
  console.log('examples/pushd.c: activated, registered, notified, and ended by SIGTERM')
} finally {
  await service.close()
}
