import {
  ACMClient,
  type CertificateDetail,
  DescribeCertificateCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-acm'
import type { DomainCertificate } from '@heliograph/core/trust/domain-certificate'
import { callAttempts } from '@heliograph/protocol/retry'

/** Asks ACM about a certificate of this region; undefined when no certificate has this ARN. */
export function describeCertificate(
  client = new ACMClient({ maxAttempts: callAttempts.patient }),
): (arn: string) => Promise<DomainCertificate | undefined> {
  return async (arn) => {
    try {
      const command = new DescribeCertificateCommand({ CertificateArn: arn })
      const { Certificate: detail } = await client.send(command)
      return detail && read(detail)
    } catch (fault) {
      if (fault instanceof ResourceNotFoundException) return undefined
      throw fault
    }
  }
}

function read(detail: CertificateDetail): DomainCertificate {
  const { RenewalStatus, RenewalStatusReason } = detail.RenewalSummary ?? {}
  const names = [detail.DomainName, ...(detail.SubjectAlternativeNames ?? [])]
  return {
    status: detail.Status ?? 'UNKNOWN',
    type: detail.Type ?? 'UNKNOWN',
    names: [...new Set(names.filter((name) => name !== undefined))],
    end: detail.NotAfter?.getTime(),
    renewable: detail.RenewalEligibility === 'ELIGIBLE',
    renewal: [RenewalStatus, RenewalStatusReason].filter(Boolean).join(', ') || undefined,
  }
}
