import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CloudStartError } from '../cloud-start-error.ts'
import type { CloudIdentity } from '../types.ts'
import { isJsonObject, type Json, type JsonObject } from './json.ts'
import { inOrder } from './order.ts'
import { readJson, readTemplate, type Template } from './template.ts'

/** What `cdk synth` wrote: the stacks in the order in which they can be made. */
export interface Assembly {
  readonly identity: CloudIdentity
  readonly stacks: readonly AssemblyStack[]
}

export interface AssemblyStack {
  readonly name: string
  readonly template: Template
  /** Values for template parameters that the assembly itself gives. */
  readonly parameters: JsonObject
  /** The folder or file of an asset, by its S3 object key. */
  readonly assets: ReadonlyMap<string, string>
}

interface StackArtifact {
  readonly id: string
  readonly folder: string
  readonly artifact: JsonObject
  readonly siblings: JsonObject
}

const localAccount = '000000000000'
const defaultRegion = 'us-east-1'

/** Reads an assembly folder (`cdk.out`) with the assemblies of its stages. */
export function readAssembly(folder: string): Assembly {
  if (!existsSync(join(folder, 'manifest.json'))) {
    throw new CloudStartError(
      `There is no CDK assembly in ${folder}: run cdk synth first, or name the folder it wrote to.`,
    )
  }
  const found = stackArtifacts(folder)
  if (found.length === 0) throw new CloudStartError(`The assembly in ${folder} has no stack.`)
  const byId = new Map(found.map((stack) => [stack.id, stack]))
  const ordered = inOrder([...byId.keys()], (id) => stackDependencies(byId, id), 'stacks')
  return {
    identity: identityOf(found),
    stacks: ordered.flatMap((id) => readStack(byId.get(id))),
  }
}

function stackArtifacts(folder: string): StackArtifact[] {
  const manifest = readJson(join(folder, 'manifest.json'))
  const artifacts = isJsonObject(manifest) ? manifest.artifacts : undefined
  if (!isJsonObject(artifacts)) return []
  return Object.entries(artifacts).flatMap(([id, artifact]) => {
    if (!isJsonObject(artifact)) return []
    if (artifact.type === 'cdk:cloud-assembly') return stackArtifacts(nested(folder, artifact))
    if (artifact.type !== 'aws:cloudformation:stack') return []
    return [{ id, folder, artifact, siblings: artifacts }]
  })
}

function nested(folder: string, artifact: JsonObject): string {
  return join(folder, text(properties(artifact).directoryName) ?? '.')
}

function stackDependencies(all: ReadonlyMap<string, StackArtifact>, id: string): string[] {
  const dependencies = all.get(id)?.artifact.dependencies
  if (!Array.isArray(dependencies)) return []
  return dependencies.filter((name): name is string => typeof name === 'string' && all.has(name))
}

function readStack(stack: StackArtifact | undefined): AssemblyStack[] {
  if (stack === undefined) return []
  const { id, folder, artifact } = stack
  const settings = properties(artifact)
  const name = text(settings.stackName) ?? id
  const file = join(folder, text(settings.templateFile) ?? `${id}.template.json`)
  const parameters = isJsonObject(settings.parameters) ? settings.parameters : {}
  return [{ name, template: readTemplate(file, name), parameters, assets: assetsOf(stack) }]
}

function assetsOf(stack: StackArtifact): Map<string, string> {
  const assets = new Map<string, string>()
  for (const artifact of Object.values(stack.siblings)) {
    if (!isJsonObject(artifact) || artifact.type !== 'cdk:asset-manifest') continue
    const file = text(properties(artifact).file)
    if (file !== undefined) addAssets(assets, stack.folder, readJson(join(stack.folder, file)))
  }
  return assets
}

function addAssets(assets: Map<string, string>, folder: string, manifest: Json): void {
  const files = isJsonObject(manifest) ? manifest.files : undefined
  if (!isJsonObject(files)) return
  for (const file of Object.values(files)) {
    if (!isJsonObject(file) || !isJsonObject(file.source) || !isJsonObject(file.destinations)) {
      continue
    }
    const path = text(file.source.path)
    for (const destination of Object.values(file.destinations)) {
      const key = isJsonObject(destination) ? text(destination.objectKey) : undefined
      if (path !== undefined && key !== undefined) assets.set(key, join(folder, path))
    }
  }
}

/** The one account and region of all stacks; stacks without an environment take any. */
function identityOf(stacks: readonly StackArtifact[]): CloudIdentity {
  const environments = stacks.map(({ artifact }) => text(artifact.environment) ?? '')
  const parts = environments.map((environment) => /^aws:\/\/([^/]+)\/(.+)$/.exec(environment))
  return {
    accountId:
      only(
        parts.map((part) => part?.[1]),
        'account',
      ) ?? localAccount,
    region:
      only(
        parts.map((part) => part?.[2]),
        'region',
      ) ?? defaultRegion,
  }
}

function only(values: readonly (string | undefined)[], what: string): string | undefined {
  const known = [...new Set(values.filter((value) => value && !value.startsWith('unknown-')))]
  if (known.length <= 1) return known[0]
  throw new CloudStartError(
    `The embedded cloud is one ${what}, but the stacks of the assembly name ${known.join(' and ')}.`,
  )
}

function properties(artifact: JsonObject): JsonObject {
  return isJsonObject(artifact.properties) ? artifact.properties : {}
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
