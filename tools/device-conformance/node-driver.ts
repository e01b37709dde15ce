import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Node's driver as one file in the folder: a start without a compiler takes a third of the time. Returns the command. */
export async function bundleNode(folder: string): Promise<string> {
  const outfile = join(folder, 'driver.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('./drivers/node.ts', import.meta.url))],
    ...{ outfile, bundle: true, platform: 'node', format: 'esm', conditions: ['heliograph'] },
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
    logLevel: 'error',
  })
  return `exec "${process.execPath}" "${outfile}"`
}
