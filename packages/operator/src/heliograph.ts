#!/usr/bin/env node
// the AWS SDK says so at every start; package.json says which Node this needs
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

const [first] = process.argv.slice(2)
if (first === 'serve') {
  // the service on one machine needs nothing of AWS, and starts in half the time without
  const { runServe } = await import('./serve/run.ts')
  await runServe(process.argv)
} else {
  // after the variable above: the SDK looks at it while it is loaded
  const { main, processTerminal } = await import('./main.ts')
  process.exitCode = await main(process.argv.slice(2), processTerminal())
}
