import { hostOf, lines, number, quoted, type SendRequest } from './request.ts'

/** As docs/clients/node-apn.md. */
export function nodeApnCode(request: SendRequest): string {
  const { url, privateAuthority, credential, token, payload, id } = request
  const host = hostOf(url)
  return lines(
    !id && "import { randomUUID } from 'node:crypto'",
    "import apn from '@parse/node-apn'",
    '',
    'const provider = new apn.Provider({',
    `  address: ${quoted(host.name)},`,
    `  port: ${host.port},`,
    privateAuthority && "  ca: ['ca.pem'],",
    credential.kind === 'certificate' && "  cert: 'app.pem',",
    credential.kind === 'certificate' && "  key: 'app.key',",
    credential.kind === 'key' && `  token: ${keyOf(credential)},`,
    '})',
    `const notification = new apn.Notification(${options(request)})`,
    `notification.rawPayload = ${literal(payload)}`,
    // it retries by itself, and the service knows a retry by its id
    `notification.id = ${id ? quoted(id) : 'randomUUID()'}`,
    `const { sent, failed } = await provider.send(notification, ${quoted(token)})`,
    'console.log(JSON.stringify({ sent, failed }))',
    'await provider.shutdown()',
  )
}

function keyOf({ keyId, teamId }: { readonly keyId: string; readonly teamId: string }): string {
  return `{ key: ${quoted(`AuthKey_${keyId}.p8`)}, keyId: ${quoted(keyId)}, teamId: ${quoted(teamId)} }`
}

function options({ topic, pushType, priority, expiration, collapseId }: SendRequest): string {
  return lines(
    '{',
    topic && `  topic: ${quoted(topic)},`,
    pushType && `  pushType: ${quoted(pushType)},`,
    priority && `  priority: ${number(priority)},`,
    expiration && `  expiry: ${number(expiration)},`,
    collapseId && `  collapseId: ${quoted(collapseId)},`,
    '}',
  )
}

/** JSON is JavaScript; what is not JSON would be some other JavaScript. */
function literal(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2)
  } catch {
    return `JSON.parse(${quoted(payload)})`
  }
}
