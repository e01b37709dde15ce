/** Runs an assembly, asks its API once and ends. */
import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import { type Cloud, startCloud } from '@heliograph/embedded-cloud'

const [assembly = 'cdk.out', state = 'state'] = process.argv.slice(2)
const cloud: Cloud = await startCloud({ assembly, state })
const [api] = cloud.apis
const ca = readFileSync(cloud.caFile)
const answer = await new Promise<string>((resolve, reject) => {
  get(new URL('world', api?.url), { ca }, (response) => {
    text(response).then(resolve, reject)
  }).on('error', reject)
})
console.log(answer)
await cloud.close()
