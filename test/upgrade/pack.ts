import { writeFileSync } from 'node:fs'
import { packAssembly, releasedFile } from './assembly-file.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('say which: npx tsx test/upgrade/pack.ts <cdk.out>')
writeFileSync(releasedFile, packAssembly(folder))
