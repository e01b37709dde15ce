import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assemblyWith } from './operator-support.ts'

/** The assembly as of a stage with `takesTokenKeys`. */
export function assemblyThatTakesKeys(): string {
  const copy = assemblyWith({})
  for (const name of readdirSync(copy).filter((one) => one.endsWith('.template.json'))) {
    const path = join(copy, name)
    // in the list of the key's policy; the rotate function has this action alone
    const inList = '"kms:GenerateDataKeyWithoutPlaintext","kms:'
    const text = JSON.stringify(JSON.parse(readFileSync(path, 'utf8')))
    writeFileSync(path, text.replaceAll(inList, `"kms:Encrypt",${inList}`))
  }
  return copy
}
