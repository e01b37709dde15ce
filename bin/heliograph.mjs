#!/usr/bin/env node
// Node runs no TypeScript by itself before version 22.18: tsx reads the sources as they are.
import { register } from 'tsx/esm/api'

// the AWS SDK says so at every start; package.json says which Node this needs
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
register()
const { main, processTerminal } = await import('../cli/main.ts')
process.exitCode = await main(process.argv.slice(2), processTerminal())
