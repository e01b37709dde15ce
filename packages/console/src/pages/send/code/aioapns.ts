import { hostOf, lines, number, quoted, type SendRequest } from './request.ts'

/** As docs/clients/aioapns.md. */
export function aioapnsCode(request: SendRequest): string {
  const { url, privateAuthority, credential } = request
  const host = hostOf(url)
  return lines(
    'import asyncio',
    'import json',
    'import ssl',
    request.expiration !== undefined && 'import time',
    '',
    'import aioapns.connection',
    `from aioapns import APNs, NotificationRequest${request.pushType ? ', PushType' : ''}`,
    '',
    `aioapns.connection.APNsProductionClientProtocol.APNS_SERVER = ${quoted(host.name)}`,
    `aioapns.connection.APNsProductionClientProtocol.APNS_PORT = ${host.port}`,
    `context = ssl.create_default_context(${privateAuthority ? 'cafile="ca.pem"' : ''})`,
    'context.set_alpn_protocols(["h2"])',
    '',
    '',
    'async def main():',
    '    apns = APNs(',
    credential.kind === 'certificate' &&
      '        client_cert="client.pem",  # app.pem and app.key in one file',
    credential.kind === 'key' &&
      `        key=open(${quoted(`AuthKey_${credential.keyId}.p8`)}).read(),  # before version 4: its path`,
    credential.kind === 'key' && `        key_id=${quoted(credential.keyId)},`,
    credential.kind === 'key' && `        team_id=${quoted(credential.teamId)},`,
    request.topic && `        topic=${quoted(request.topic)},`,
    '        ssl_context=context,',
    '    )',
    '    request = NotificationRequest(',
    ...argumentsOf(request),
    '    )',
    '    result = await asyncio.wait_for(apns.send_notification(request), 10)',
    '    print(result.status, result.description)',
    '',
    '',
    'asyncio.run(main())',
  )
}

function argumentsOf(request: SendRequest): (string | undefined | false)[] {
  const { token, payload, pushType, priority, expiration, collapseId, id } = request
  return [
    `        device_token=${quoted(token)},`,
    `        message=json.loads(${quoted(payload)}),`,
    pushType && `        push_type=PushType(${quoted(pushType)}),`,
    priority && `        priority=${number(priority)},`,
    // it takes seconds from now, and sends what that comes to
    expiration && `        time_to_live=${number(expiration)} - int(time.time()),`,
    collapseId && `        collapse_key=${quoted(collapseId)},`,
    id && `        notification_id=${quoted(id)},`,
  ]
}
