import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readmeLines, runLines } from './five-lines.ts'
import { type Place, type Running, Workshop } from './workshop.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { version, dependencies: versions } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)
const topic = 'com.example.packed'
const workshop = new Workshop()

const names = ['@heliograph/device', '@heliograph/cdk', 'heliograph', '@heliograph/embedded-cloud']
/** What somebody has installed already, who then adds the package. */
const manifests: Readonly<Record<string, object>> = {
  '@heliograph/cdk': {
    dependencies: {
      'aws-cdk-lib': versions['aws-cdk-lib'],
      constructs: versions.constructs,
    },
  },
}
const places = new Map<string, Place>()
let tarballs: ReadonlyMap<string, string>

function place(name: string): Place {
  const found = places.get(name)
  if (!found) throw new Error(`${name} is not installed`)
  return found
}

/** The lines of the device's README, with what they leave to the reader; it shows what it keeps. */
function readmeProgram({ folder }: Place): string {
  const page = readFileSync(join(folder, 'node_modules/@heliograph/device/README.md'), 'utf8')
  const lines = /^```ts\n(.*?)^```/ms.exec(page)?.[1] ?? ''
  return `const [url = '', code = '', channel = ''] = process.argv.slice(2)
const keep = async (topic: string, payload: unknown) =>
  console.log('kept', topic, JSON.stringify(payload))
${lines.replace('/var/lib/my-app/heliograph', 'readme')}
console.log('token', token)
`
}

const device = () => place('@heliograph/device')
const cdk = () => place('@heliograph/cdk')
const command = () => place('heliograph')
const cloud = () => place('@heliograph/embedded-cloud')
const assembly = (name: string) => join(cdk().folder, name)

beforeAll(async () => {
  tarballs = await workshop.pack(names)
  const installed = [...tarballs].map(async ([name, tarball]) => {
    const manifest = manifests[name] ?? { type: 'module' }
    places.set(name, await workshop.install(name.replace(/^.*\//, ''), tarball, manifest))
  })
  await Promise.all(installed)
})

afterAll(() => workshop.end())

describe.each(names)('%s', (name) => {
  const folder = () => join(place(name).folder, 'node_modules', name)
  const manifest = () => JSON.parse(readFileSync(join(folder(), 'package.json'), 'utf8'))

  test('says what somebody else can follow, and nothing more', () => {
    const { license, engines, scripts, devDependencies, dependencies = {} } = manifest()
    expect({ license, engines }).toEqual({ license: 'Apache-2.0', engines: { node: '>=20.12' } })
    expect(scripts ?? devDependencies).toBeUndefined()
    expect(Object.keys(dependencies).filter((each) => /heliograph/.test(each))).toEqual([])
    const targets = Object.values(manifest().exports['.'] as Record<string, string>)
    expect(targets.filter((target) => !target.startsWith('./dist/'))).toEqual([])
  })

  test('has a page, a license and no sources', () => {
    expect(
      readdirSync(folder())
        .filter((each) => each !== 'node_modules')
        .sort(),
    ).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
  })

  test('carries no path of this machine', () => {
    const files = readdirSync(join(folder(), 'dist'), { recursive: true, withFileTypes: true })
    const texts = files
      .filter((file) => file.isFile())
      .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
    expect(texts.length).toBeGreaterThan(2)
    expect(texts.filter((text) => text.includes(root))).toEqual([])
  })
})

test('the device needs neither AWS nor this repository', () => {
  const modules = readdirSync(join(device().folder, 'node_modules'))
  expect(modules.filter((name) => /aws|smithy/.test(name))).toEqual([])
  expect(readdirSync(join(device().folder, 'node_modules', '@heliograph'))).toEqual(['device'])
})

test('the command is loaded by other programs too', async () => {
  const program = await command().compile('command')
  expect(await command().run([program])).toBe(`${version}, exit code 0\n`)
})

test('the command helps', async () => {
  expect(await command().command('heliograph', ['--help'])).toContain('provider')
})

test('the command has the page of the console with it', async () => {
  const args = ['--target', 'machine', 'console', '--json', '--port', '0']
  const serving = command().serve('heliograph', args)
  const { port } = new URL(await serving.prints(/"url":"([^"]+)"/))
  const fetched = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  const page = await fetched('/')
  const [, script = ''] = /src="(\/[^"]+\.js)"/.exec(page) ?? []
  expect(await fetched(script)).toContain('/api/session')
  serving.child.kill('SIGTERM')
  expect(await serving.ended).toBe(0)
})

describe('the lines of the README', () => {
  test('serve from an empty folder, and load nothing of AWS for it', async () => {
    expect(readmeLines()).toHaveLength(5)
    const folder = workshop.empty('five-lines')
    const { printed, loaded } = await runLines(folder, tarballs.get('heliograph') ?? '')
    expect(printed).toMatch(/^certificate +app\.pem, valid until/m)
    expect(printed).toMatch(/^[0-9A-Z]{7}(-[0-9A-Z]{5,7}){3}$/m)
    expect(existsSync(join(folder, 'app.p12'))).toBe(true)
    expect(statSync(join(folder, 'heliograph.key')).mode & 0o077).toBe(0)
    const names = loaded.map((path) => path.replace(/^.*\/node_modules\//, ''))
    expect(names.filter((name) => /aws|smithy/i.test(name))).toEqual([])
    // what it does load was looked at
    for (const part of ['heliograph/dist/', 'lmdb', 'mqtt-packet/', 'node-forge/'])
      expect(names.join('\n')).toContain(part)
  })
})

describe('an app of somebody else', () => {
  let serving: Running
  let addresses: {
    readonly ca: string
    readonly environment: Readonly<Record<string, string>>
    readonly apis: readonly { readonly name: string; readonly url: string }[]
    readonly mutualTlsApis: readonly { readonly url: string }[]
  }

  beforeAll(async () => {
    await cdk().run([await cdk().compile('app'), 'alone.out', 'together.out'])
  })

  test('has Heliograph beside its own stack', () => {
    const templates = readdirSync(assembly('together.out'))
      .filter((file) => file.endsWith('.template.json'))
      .map((file) => file.replace(/[0-9A-F]{8}\.template\.json$|\.template\.json$/, ''))
    expect(templates.sort()).toEqual([
      'Greeting',
      'PushHeliographpackedDevices',
      'PushHeliographpackedOperations',
      'PushHeliographpackedProviders',
      'PushHeliographpackedState',
    ])
  })

  test('may be of ES modules', async () => {
    const script = "import { Heliograph } from '@heliograph/cdk'; console.log(Heliograph.name)"
    expect(await cdk().run(['--input-type=module', '--eval', script])).toBe('Heliograph\n')
  })

  test('runs in the embedded cloud without Heliograph, by a program', async () => {
    const program = await cloud().compile('cloud')
    expect(await cloud().run([program, assembly('alone.out'), 'alone'])).toBe('hello /world\n')
  })

  describe('with Heliograph, served by the command of the embedded cloud', () => {
    beforeAll(async () => {
      const args = ['--assembly', assembly('together.out'), '--state', 'together']
      serving = cloud().serve('heliograph-embedded-cloud', args)
      const file = await serving.prints(/Serving\. (.*cloud\.json)/)
      addresses = JSON.parse(readFileSync(file, 'utf8'))
    })

    const heliograph = (...args: string[]) =>
      command().command(
        'heliograph',
        ['--target', 'aws', '--stage', 'packed', ...args],
        addresses.environment,
      )

    function activationUrl(): string {
      const activation = addresses.apis.find(({ name }) => name.endsWith('-activation'))
      return new URL('activate', activation?.url).href
    }

    test('a device activates, registers and receives what the command sends', async () => {
      const program = await device().compile('device')
      const code = (await heliograph('device', 'invite')).trim()
      await heliograph('provider', 'issue', topic, '--out', 'certs/app')
      const running = device().start([program, activationUrl(), code, addresses.ca, topic])
      const token = await running.prints(/token (\w{64})\n/)
      await heliograph(
        ...['send', '--token', token, '--topic', topic, '--alert', 'packed'],
        ...['--cert', 'certs/app.pem', '--key', 'certs/app.key'],
        ...['--url', addresses.mutualTlsApis[0]?.url ?? '', '--ca', addresses.ca],
      )
      expect(await running.prints(/payload (.*)\n/)).toBe('{"aps":{"alert":"packed"}}')
      expect(await running.ended).toBe(0)
    })

    test('the program of its README does, too, and joins a channel', async () => {
      const app = 'com.example.app'
      await heliograph('provider', 'issue', app, '--out', 'certs/readme')
      const provider = ['--topic', app, '--cert', 'certs/readme.pem', '--key', 'certs/readme.key']
      const edge = ['--url', addresses.mutualTlsApis[0]?.url ?? '', '--ca', addresses.ca]
      const as = (...args: string[]) => heliograph(...args, ...provider, ...edge)
      const channel = (await as('channel', 'create')).trim()
      await as('channel', 'publish', channel, '--alert', 'a goal')
      const program = await device().compileText('readme', readmeProgram(device()))
      const code = (await heliograph('device', 'invite')).trim()
      const variables = { NODE_EXTRA_CA_CERTS: addresses.ca }
      const running = device().start([program, activationUrl(), code, channel], variables)
      const token = await running.prints(/token (\w{64})\n/)
      await as('send', '--token', token, '--alert', 'packed')
      await running.prints(/kept com\.example\.app {"aps":{"alert":"packed"}}/)
      await running.prints(/kept com\.example\.app {"aps":{"alert":"a goal"}}/)
    })

    test('and ends when it is told to', async () => {
      serving.child.kill('SIGTERM')
      expect(await serving.ended).toBe(0)
    })
  })
})
