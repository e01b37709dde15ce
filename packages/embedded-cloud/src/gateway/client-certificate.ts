import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

/** A client certificate in the words of payload format 2.0 (`requestContext.authentication.clientCert`). */
export interface ClientCertificate {
  readonly clientCertPem: string
  readonly subjectDN: string
  readonly issuerDN: string
  readonly serialNumber: string
  readonly validity: { readonly notBefore: string; readonly notAfter: string }
}

/** The certificate a connection was made with; only one that the truststore vouches for counts. */
export function clientCertificateOf(socket: TLSSocket): ClientCertificate | undefined {
  if (!socket.authorized) return undefined
  const certificate = socket.getPeerX509Certificate()
  return certificate && describeCertificate(certificate)
}

/** Dates read `May 28 12:30:02 2019 GMT` and serial numbers `a1:0f`, as in the AWS documentation. */
export function describeCertificate(certificate: X509Certificate): ClientCertificate {
  return {
    clientCertPem: certificate.toString(),
    subjectDN: oneLine(certificate.subject),
    issuerDN: oneLine(certificate.issuer),
    serialNumber: colonHex(certificate.serialNumber),
    validity: { notBefore: certificate.validFrom, notAfter: certificate.validTo },
  }
}

/** Node gives one attribute a line, in the order of the certificate, with RFC 2253 escapes. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(',')
}

function colonHex(serial: string): string {
  const even = serial.length % 2 === 0 ? serial : `0${serial}`
  return (even.toLowerCase().match(/../g) ?? []).join(':')
}
