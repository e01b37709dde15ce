import {
  cpSync,
  existsSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { CloudStartError } from '../cloud-start-error.ts'

/** Where a template says that a function's code is. */
export type CodeSource = { readonly inline: string } | { readonly asset: string }

/**
 * Copies a function's code into a separate folder and returns that. The copy lets `cdk synth`
 * rewrite its output while functions run, and makes `.js` files CommonJS, as they are in Lambda
 * when there is no package.json: in a checkout the nearest package.json would decide otherwise.
 */
export function unpackCode(source: CodeSource, folder: string, functionName: string): string {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  if ('inline' in source) writeFileSync(join(folder, 'index.js'), source.inline)
  else copyAsset(source.asset, folder, functionName)
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) writeFileSync(manifest, '{"type":"commonjs"}\n')
  return folder
}

function copyAsset(asset: string, folder: string, functionName: string): void {
  if (!existsSync(asset)) {
    throw new CloudStartError(
      `The code of function ${functionName} is missing at ${asset}; run cdk synth again.`,
    )
  }
  if (!statSync(asset).isDirectory()) {
    throw new CloudStartError(
      `The code of function ${functionName} is the archive ${asset}; the embedded cloud runs code from folders only.`,
    )
  }
  cpSync(asset, folder, { recursive: true })
}

/** What Lambda's Node runtimes bring along. */
const runtimeScopes = ['@aws-sdk', '@smithy']

/**
 * Lets functions whose folders are in `codeFolder` import the AWS SDK without bundling it, as in
 * Lambda: from the first of the places (an app, or this package) where Node would find it.
 */
export function linkSdk(codeFolder: string, places: readonly string[]): void {
  const links = join(codeFolder, 'node_modules')
  rmSync(links, { recursive: true, force: true })
  mkdirSync(links, { recursive: true })
  const modules = places.flatMap(modulesAround)
  for (const scope of runtimeScopes) {
    const target = modules.map((folder) => join(folder, scope)).find((path) => existsSync(path))
    if (target) symlinkSync(target, join(links, scope), 'junction')
  }
}

/** Where Node looks for packages that a file in this folder imports, the nearest first. */
function modulesAround(folder: string): string[] {
  const above = dirname(folder)
  const here = join(folder, 'node_modules')
  return above === folder ? [here] : [here, ...modulesAround(above)]
}
