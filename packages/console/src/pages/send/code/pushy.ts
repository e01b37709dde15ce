import { hostOf, lines, number, quoted, type SendRequest } from './request.ts'

/** As docs/clients/pushy.md. */
export function pushyCode(request: SendRequest): string {
  const { url, privateAuthority, credential } = request
  const host = hostOf(url)
  return lines(
    'import com.eatthepath.pushy.apns.*;',
    credential.kind === 'key' && 'import com.eatthepath.pushy.apns.auth.ApnsSigningKey;',
    'import com.eatthepath.pushy.apns.util.SimpleApnsPushNotification;',
    'import java.io.File;',
    request.expiration !== '0' && 'import java.time.Instant;',
    request.id && 'import java.util.UUID;',
    '',
    'public class Send {',
    '  public static void main(String[] args) throws Exception {',
    '    ApnsClient client = new ApnsClientBuilder()',
    `        .setApnsServer(${quoted(host.name)}, ${host.port})`,
    privateAuthority && '        .setTrustedServerCertificateChain(new File("ca.pem"))',
    '        .setUseAlpn(true)',
    `        ${identityOf(request)}`,
    '        .build();',
    '    var response = client.sendNotification(new SimpleApnsPushNotification(',
    ...argumentsOf(request),
    '    )).get();',
    '    System.out.println(response.getStatusCode() + " " + response.getRejectionReason().orElse("accepted"));',
    '    client.close().get();',
    '  }',
    '}',
  )
}

function identityOf({ credential }: SendRequest): string {
  if (credential.kind === 'certificate')
    return '.setClientCredentials(new File("app.p12"), "<passphrase>")'
  const { keyId, teamId } = credential
  const file = `new File(${quoted(`AuthKey_${keyId}.p8`)})`
  return `.setSigningKey(ApnsSigningKey.loadFromPkcs8File(${file}, ${quoted(teamId)}, ${quoted(keyId)}))`
}

function argumentsOf(request: SendRequest): readonly string[] {
  const { token, topic, payload, expiration, priority, pushType, collapseId, id } = request
  return [
    `        ${quoted(token)},`,
    `        ${quoted(topic ?? '')}, // pushy always names a topic`,
    `        ${quoted(payload)},`,
    `        ${untilOf(expiration)},`,
    `        DeliveryPriority.getFromCode(${number(priority ?? '10')}),${priority === '1' ? ' // pushy knows 10 and 5 only' : ''}`,
    `        ${pushType ? `PushType.getFromHeaderValue(${quoted(pushType)})` : 'null'},`,
    `        ${collapseId ? quoted(collapseId) : 'null'},`,
    `        ${id ? `UUID.fromString(${quoted(id)})` : 'null'}`,
  ]
}

/** It always sends an expiration: no time is 0, one attempt. */
function untilOf(expiration: string | undefined): string {
  if (expiration === undefined)
    return 'Instant.now().plus(SimpleApnsPushNotification.DEFAULT_EXPIRATION_PERIOD)'
  return expiration === '0' ? 'null' : `Instant.ofEpochSecond(${number(expiration)})`
}
