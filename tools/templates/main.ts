import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TargetError } from '../emulators/emulator.ts'
import { installPython } from '../emulators/python.ts'
import { account, judgedStages, region } from './stages.ts'

/**
 * `npm run test:templates`: cfn-lint, which knows CloudFormation's own schemas, judges the templates of
 * four stages. A warning is printed, an error fails. Before that it has to find a planted error.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
interface Ran {
  readonly code: number | null
  readonly output: string
}

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}

async function synthesize(folder: string, context: object): Promise<string[]> {
  const { code, output } = await run(process.execPath, ['--import', 'tsx', 'bin/app.ts'], {
    ...process.env,
    CDK_OUTDIR: folder,
    CDK_CONTEXT_JSON: JSON.stringify(context),
    CDK_DEFAULT_ACCOUNT: account,
    CDK_DEFAULT_REGION: region,
    CDK_VALIDATION: 'false',
  })
  if (code !== 0) throw new TargetError(`the stage cannot be synthesized: ${output}`)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.template.json'))
    .map((name) => join(folder, name))
}

/** What cfn-lint says of the templates; its code has bit 2 set for errors (its README, "Exit codes"). */
async function judge(linter: string, templates: readonly string[]) {
  // W3005: the CDK writes dependencies down that a reference implies already
  const quiet = ['--non-zero-exit-code', 'error', '--ignore-checks', 'W3005']
  const args = ['--regions', region, ...quiet, '--', ...templates]
  const { code, output } = await run(linter, args, process.env)
  return { passed: code === 0, output: output.trim() }
}

/** A property that no table has, and a reference to nothing. */
function plantErrors(template: string, copy: string): void {
  cpSync(template, copy)
  const document = JSON.parse(readFileSync(copy, 'utf8'))
  document.Resources.Planted = {
    Type: 'AWS::SQS::Queue',
    Properties: { VisibilityTimeoutSeconds: 1, QueueName: { Ref: 'Nobody' } },
  }
  writeFileSync(copy, JSON.stringify(document))
}

async function seesPlantedErrors(linter: string, template: string, folder: string) {
  const copy = join(folder, 'planted.template.json')
  plantErrors(template, copy)
  const { passed, output } = await judge(linter, [copy])
  return !passed && output.includes('VisibilityTimeoutSeconds') && output.includes('Nobody')
}

async function judgeAll(linter: string, folder: string): Promise<boolean> {
  let failed = false
  for (const [name, context] of Object.entries(judgedStages)) {
    const templates = await synthesize(join(folder, name), context)
    const [first = ''] = templates
    if (name === 'retain' && !(await seesPlantedErrors(linter, first, folder)))
      throw new TargetError('cfn-lint does not see the errors that were planted for it')
    const { passed, output } = await judge(linter, templates)
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${name}: ${templates.length} templates`)
    if (output) console.log(output)
    failed ||= !passed
  }
  return !failed
}

async function main(): Promise<number> {
  const programs = await installPython({
    name: 'cfn-lint',
    folder: join(homedir(), '.cache', 'heliograph', 'cfn-lint'),
    pins: fileURLToPath(new URL('cfn-lint.txt', import.meta.url)),
    onLine: () => {},
  })
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-templates-'))
  try {
    return (await judgeAll(join(programs, 'cfn-lint'), folder)) ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof TargetError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
