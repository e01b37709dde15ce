import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/**
 * Walks `docs/deploy.md`: each of its commands is run, in the order of the page, up to where AWS is
 * asked for something. AWS is played by a server that knows who calls and refuses all else.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs', 'deploy.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'heliograph-walk-'))
const assembly = join(folder, 'cdk.out')
const account = '111111111111'
const region = 'eu-west-1'

/**
 * Commands that change the checkout, those of the AWS CLI, which is not installed here, the bare names of scripts and commands, and what is typed in a
 * CDK app of one's own, which `npm run test:packages` walks.
 */
const leftOut: readonly RegExp[] = [
  /^git pull$/,
  /^npm ci$/,
  /^aws s3api (list-object-versions|copy-object) --bucket BUCKET /,
  /^npm run \S+$/,
  /^npx \S+$/,
  /^npx cdk deploy 'Push\/\*'/,
  /^npx heliograph-embedded-cloud /,
]

/** The calls since the last command, as `service action`. */
const calls: string[] = []
let endpoint = ''
const server = createServer((request, response) => void refuse(request, response))

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function refuse(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  const [, where, service] =
    /\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(request.headers.authorization ?? '') ?? []
  const action = /(?:^|&)Action=(\w+)/.exec(body)?.[1] ?? ''
  if (action === 'GetCallerIdentity') {
    answerXml(response, 200, caller)
    return
  }
  calls.push(`${where} ${service} ${action || request.headers['x-amz-target']} ${body}`)
  if (action) answerXml(response, 403, accessDenied)
  else response.writeHead(403).end(JSON.stringify({ __type: 'AccessDeniedException' }))
}

function answerXml(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { 'content-type': 'text/xml' }).end(xml)
}

const caller = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${account}</Account><Arn>arn:aws:iam::${account}:user/walker</Arn><UserId>W</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>`
const accessDenied =
  '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no further</Message></Error></ErrorResponse>'

/** The page's commands, those of `sh` blocks and those in prose, one each; comments are left out. */
function commandsOf(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(
    ([, block = '']) => block,
  )
  const lines = blocks.flatMap((block) => block.replace(/\\\n/g, ' ').split('\n'))
  const prose = markdown.replace(/^ *```[\s\S]*?^ *```/gm, '')
  const inline = [...prose.matchAll(/`((?:npx|npm run|git pull|export) [^`]+)`/g)]
  return [...lines, ...inline.map(([, code = '']) => code)]
    .flatMap((line) => line.replace(/\s#.*$/, '').split('&&'))
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '')
}

const context = [
  '-c stage=beta',
  '-c domain=push-beta.example.com',
  `-c certificateArn=arn:aws:acm:${region}:${account}:certificate/4e6a-example`,
].join(' ')

/** `…` is what every reader has of their own. */
function filledIn(command: string): string {
  return command
    .replace('certificate/…', 'certificate/4e6a-example')
    .replace('hostedZoneId=Z…', 'hostedZoneId=Z0EXAMPLE')
    .replace(/(?:-c(?: stage=\w+)? )?…/, context)
    .replace('--stage NAME', '--stage beta')
}

/** Nobody is there to say yes. */
const agreed = (command: string) =>
  command.includes('cdk destroy') ? `${command} --force` : command

const variables: NodeJS.ProcessEnv = {}

interface Ran {
  readonly code: number | null
  readonly output: string
}

/** Synthesizes once: whoever gives the context of the first deployment gets what that has made. */
function appOf(command: string): NodeJS.ProcessEnv {
  if (!command.includes(context)) return { CDK_OUTPUT: join(folder, 'other.out') }
  const made = existsSync(join(assembly, 'manifest.json'))
  return made ? { CDK_APP: assembly } : { CDK_OUTPUT: assembly }
}

function run(command: string): Promise<Ran> {
  calls.length = 0
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', command], {
      cwd: root,
      env: { ...environment(), ...appOf(command) },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
    child.stdin.end()
  })
}

function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env
  return {
    PATH,
    HOME,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: region,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    // nothing goes anywhere but to the server above, and nothing is asked or written here
    CI: 'true',
    CDK_NOTICES: 'false',
    CDK_VERSION_REPORTING: 'false',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_VALIDATION: 'false',
    ...variables,
  }
}

/** The first call that shows that a command went all its way, by how the command begins. */
const reached: readonly (readonly [command: RegExp, call: RegExp])[] = [
  [/^npx cdk bootstrap/, /^eu-west-1 cloudformation DescribeStacks .*StackName=CDKToolkit/],
  [/^npx cdk deploy/, /^eu-west-1 ssm .*\/cdk-bootstrap\//],
  [/^npx cdk (?:diff|destroy)/, /^eu-west-1 cloudformation DescribeStacks .*StackName=Heliograph-/],
  [/^npx heliograph /, /^eu-west-1 cloudformation DescribeStacks .*StackName=Heliograph-\w+-/],
  [/^npm run test:aws /, /^eu-west-1 cloudformation DescribeStacks .*StackName=Heliograph-beta-/],
]

/** Takes a command of the page; what is wrong with it, or undefined. */
async function walk(command: string): Promise<string | undefined> {
  const [, assignments] = /^export (.*)$/.exec(command) ?? []
  if (assignments !== undefined) {
    Object.assign(
      variables,
      Object.fromEntries(assignments.split(' ').map((one) => one.split('='))),
    )
    return undefined
  }
  const call = reached.find(([start]) => start.test(command))?.[1]
  if (!call) return `the walk does not know what "${command}" should reach`
  const { code, output } = await run(agreed(filledIn(command)))
  return calls.some((made) => call.test(made))
    ? undefined
    : `${command} ended with ${code} and asked AWS for ${calls.join('; ') || 'nothing'}: ${output}`
}

const commands = [...new Set(commandsOf(page))].filter(
  (command) => !leftOut.some((one) => one.test(command)),
)

describe('the page', () => {
  test('has the commands of a first deployment, in their order', () => {
    const firsts = ['npx cdk bootstrap', 'npx cdk deploy', 'export', 'npx heliograph doctor']
    const places = firsts.map((first) => commands.findIndex((one) => one.startsWith(first)))
    expect(places).toEqual([...places].sort((one, other) => one - other))
    expect(places).not.toContain(-1)
  })

  test.each(commands)('%s', { timeout: 180_000 }, async (command) => {
    expect(await walk(command)).toBeUndefined()
  })
})

describe('the walk sees', () => {
  test.each([
    'npx cdk bootstrap',
    'npx heliograph device invit',
    'npm run test:aws -- --stag beta',
    'npx cdk deploy --all -c stage=beta',
  ])('that %s is wrong', { timeout: 180_000 }, async (command) => {
    expect(await walk(command)).toBeDefined()
  })
})
