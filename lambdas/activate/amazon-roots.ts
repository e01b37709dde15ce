import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'

/** Amazon's root CAs, which sign IoT Core's data endpoints, from the list that Node carries. PEM. */
export function amazonRoots(): string {
  const roots = rootCertificates.filter((pem) =>
    new X509Certificate(pem).subject.includes('CN=Amazon Root CA'),
  )
  if (roots.length === 0) throw new Error('this Node carries no Amazon root CA')
  return `${roots.join('\n')}\n`
}
